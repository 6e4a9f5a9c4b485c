import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openScratch } from '../../engine/base/scratch.ts';
import { EngineError } from '../../engine/error.ts';
import { lakeError } from '../../lake/error.ts';
import type { LakeWriter } from '../../lake/lake.ts';
import type { S3 } from './client.ts';
import { isAbsent, oddAnswer } from './error.ts';
import { keyOf, keysBelow } from './key.ts';
import { s3Uri } from './settings.ts';
import { createUploader, type Uploader } from './upload.ts';

/** `Lake.write` for S3: parts are made in a folder of this machine, uploaded one file at a time (each by several parts at once), and then removed here. */
export async function openWriter(s3: S3, root: string, folder: string): Promise<LakeWriter> {
  const prefix = keysBelow(s3.settings, folder);
  await refuseTaken(s3, folder, prefix);
  const localFolder = await openScratch(root, 'write').catch((error: unknown) => {
    throw lakeError(error, `making a folder under ${root}`);
  });
  const uploader = createUploader(s3);
  const published = new Set<string>();
  let before: Promise<unknown> = Promise.resolve();
  return {
    localFolder,
    publish: (name) => {
      const key = keyOf(s3.settings, `${folder}/${name}`);
      // One after the other: memory is that of one upload, however many parts wait.
      const mine = before.then(() => publish(s3, uploader, join(localFolder, name), key, () => published.add(key)));
      before = mine.catch(() => undefined);
      return mine;
    },
    close: async (outcome) => {
      await before;
      if (outcome === 'discard') await discard(s3, published);
      await rm(localFolder, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

async function refuseTaken(s3: S3, folder: string, prefix: string): Promise<void> {
  const what = `making ${s3Uri(s3.settings)}/${folder}`;
  const page = await s3.use(what, 'ListObjectsV2', (client, sdk) =>
    client.send(new sdk.ListObjectsV2Command({ Bucket: s3.settings.bucket, Prefix: prefix, MaxKeys: 1 })),
  );
  if ((page.Contents ?? []).length > 0)
    throw new EngineError('outside', 'lake.folder-taken', `${what} failed: it exists already`, {
      hint: 'Data files go to a new folder. Look at what made this one.',
    });
}

async function publish(s3: S3, uploader: Uploader, localPath: string, key: string, began: () => void): Promise<number> {
  const what = `writing s3://${s3.settings.bucket}/${key}`;
  const { size } = await stat(localPath).catch((error: unknown) => {
    throw lakeError(error, `reading ${localPath}`);
  });
  began();
  try {
    await uploader.send(localPath, key, size);
  } catch (error) {
    // An answer that was lost: asked again, S3 knows no such upload any more. The object is there whole, or not at all.
    if ((await sizeOf(s3, what, key).catch(() => undefined)) !== size) throw error;
  }
  const there = await sizeOf(s3, what, key);
  if (there !== size) throw oddAnswer(what, `${size} bytes were sent, ${there ?? 'no'} bytes are there`);
  await rm(localPath);
  return size;
}

async function sizeOf(s3: S3, what: string, key: string): Promise<number | undefined> {
  return s3.use(what, 'HeadObject', async (client, sdk) => {
    try {
      return (await client.send(new sdk.HeadObjectCommand({ Bucket: s3.settings.bucket, Key: key }))).ContentLength;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  });
}

/** Never throws: what cannot be removed is an orphan, which no log entry names. */
async function discard(s3: S3, keys: ReadonlySet<string>): Promise<void> {
  for (const key of keys)
    await s3
      .use(`removing s3://${s3.settings.bucket}/${key}`, 'DeleteObject', (client, sdk) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: s3.settings.bucket, Key: key })),
      )
      .catch(() => undefined);
}
