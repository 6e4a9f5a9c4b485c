import { EngineError } from '../../engine/error.ts';
import { type S3Settings, s3Uri } from './settings.ts';

/** S3's own limit for a key, in bytes of UTF-8. */
const longestKey = 1024;

/** The object's key of a path in the lake. Refuses a path that has empty, `.` or `..` parts (`lake.path-outside`), or is too long for S3. */
export function keyOf(settings: S3Settings, path: string): string {
  if (path.includes('\0') || path.split('/').some((p) => p === '' || p === '.' || p === '..'))
    throw new EngineError('refused', 'lake.path-outside', `${JSON.stringify(path)} is no path inside the lake ${s3Uri(settings)}`, {
      hint: 'Look for a log entry that names a file elsewhere.',
    });
  const key = settings.prefix === '' ? path : `${settings.prefix}/${path}`;
  if (Buffer.byteLength(key) > longestKey)
    throw new EngineError('outside', 'lake.name-too-long', `${path} is longer than the ${longestKey} bytes that S3 allows for a name`, {
      hint: 'Give the lake a shorter prefix, or the table a shorter name.',
    });
  return key;
}

/** What the keys of all files below a folder begin with; the empty folder is the whole lake. */
export function keysBelow(settings: S3Settings, folder: string): string {
  if (folder !== '') return `${keyOf(settings, folder)}/`;
  return settings.prefix === '' ? '' : `${settings.prefix}/`;
}

/** The path in the lake of an object's key. */
export function pathOf(settings: S3Settings, key: string): string {
  return settings.prefix === '' ? key : key.slice(settings.prefix.length + 1);
}
