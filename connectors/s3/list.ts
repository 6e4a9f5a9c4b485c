import type { LakeFile } from '../../lake/lake.ts';
import type { S3 } from './client.ts';
import { oddAnswer } from './error.ts';
import { keysBelow, pathOf } from './key.ts';
import { s3Uri } from './settings.ts';

/** The object that shows whether a server knows conditional writes (conditional.ts). It is no file of the lake, and never listed. */
export const markerName = '.engine-conditional-write';

/**
 * Files below a folder page by page, as `Lake.list` promises. S3 sorts by the bytes of UTF-8, which is the order of code units but for characters beyond
 * U+FFFF; names of the log and of data files have none.
 */
export async function* listBelow(s3: S3, folder: string, startAfter: string | undefined): AsyncGenerator<LakeFile> {
  const { settings } = s3;
  const prefix = keysBelow(settings, folder);
  const after = startAfter === undefined || startAfter === '' ? undefined : `${keysBelow(settings, '')}${startAfter}`;
  // What comes before the prefix is not there to be skipped; some servers take such a start badly.
  const start = after !== undefined && after > prefix ? after : undefined;
  const what = `listing ${s3Uri(settings)}/${folder}`;
  let token: string | undefined;
  do {
    const page = await s3.use(what, 'ListObjectsV2', (client, sdk) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: settings.bucket,
          Prefix: prefix,
          // Characters that XML cannot hold would spoil the answer otherwise.
          EncodingType: 'url',
          ...(start === undefined ? {} : { StartAfter: start }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      ),
    );
    if (page.Name === undefined && page.IsTruncated === undefined) throw oddAnswer(what, 'it is no listing');
    for (const object of page.Contents ?? []) {
      if (object.Key === undefined) continue;
      const key = page.EncodingType === 'url' ? decodeKey(object.Key) : object.Key;
      // Consoles make empty objects that stand for folders.
      if (key.endsWith('/') || !key.startsWith(prefix) || (start !== undefined && key <= start)) continue;
      const path = pathOf(settings, key);
      if (path === markerName) continue;
      yield { path, size: object.Size ?? 0, modifiedMs: object.LastModified?.getTime() ?? 0 };
    }
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (page.IsTruncated === true && (next === undefined || next === token))
      throw oddAnswer(what, 'it says that there is more, and not where');
    token = next;
  } while (token !== undefined);
}

/** `encoding-type=url` writes a space as `+`. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
