import { EngineError } from '../engine/error.ts';

/** Where the log of a table is. */
export function logFolder(folder: string): string {
  return `${folder}/_delta_log`;
}

/** 20 digits, as PROTOCOL.md has versions in names. */
export function versionName(version: number): string {
  return String(version).padStart(20, '0');
}

/** Path of the entry that makes a version. */
export function entryPath(folder: string, version: number): string {
  return `${logFolder(folder)}/${versionName(version)}.json`;
}

/** Path of a classic checkpoint in one file. */
export function checkpointPath(folder: string, version: number): string {
  return `${logFolder(folder)}/${versionName(version)}.checkpoint.parquet`;
}

/** Path of the hint that says where the last checkpoint is. */
export function hintPath(folder: string): string {
  return `${logFolder(folder)}/_last_checkpoint`;
}

/** A path for `add` and `remove`: each part URI-encoded (PROTOCOL.md, Add File and Remove File). */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** What `encodePath` or another writer encoded; text that is no encoding is given back as it is. */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}

/** Path in the lake of a file named by `add`. Refuses a file outside the table's folder, which the protocol allows and this engine never writes. */
export function dataFilePath(folder: string, file: { readonly path: string }): string {
  const path = decodePath(file.path);
  if (/^[a-z][a-z0-9+.-]*:/i.test(file.path) || path.startsWith('/') || path.split('/').includes('..'))
    throw new EngineError('refused', 'lake.foreign-file', `table ${folder} names a file outside its folder: ${path}`, {
      hint: 'It was not written by this engine. Copy the table with its files in its own folder.',
    });
  return `${folder}/${path}`;
}
