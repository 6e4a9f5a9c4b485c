import type { Lake, LakeFile } from '../../lake/lake.ts';
import type { S3 } from './client.ts';
import { conditionalCreate } from './conditional.ts';
import { isAbsent, oddAnswer } from './error.ts';
import { keyOf } from './key.ts';
import { listBelow } from './list.ts';
import { fetchObject, readObject } from './read.ts';
import { s3Uri } from './settings.ts';
import { openWriter } from './writer.ts';

/** The Lake contract on S3. `root` is the project's folder: data files are made and read in `.engine/tmp` below it. A commit is `If-None-Match: *`. */
export function openS3Lake(s3: S3, root: string): Lake {
  const { settings } = s3;
  const at = (path: string): string => `${s3Uri(settings)}/${path}`;
  return {
    type: 's3',
    uri: s3Uri(settings),
    read: async (path) => readObject(s3, keyOf(settings, path), at(path)),
    list: (folder, startAfter) => listFiles(s3, folder, startAfter),
    createIfAbsent: conditionalCreate(s3),
    replace: async (path, content) => {
      const key = keyOf(settings, path);
      const what = `writing ${at(path)}`;
      const answer = await s3.use(what, 'PutObject', (client, sdk) =>
        client.send(new sdk.PutObjectCommand({ Bucket: settings.bucket, Key: key, Body: content })),
      );
      if (answer.ETag === undefined) throw oddAnswer(what, 'it has no ETag');
    },
    write: async (folder) => openWriter(s3, root, folder),
    fetch: async (path) => fetchObject(s3, root, keyOf(settings, path), at(path)),
    remove: async (path) => {
      const key = keyOf(settings, path);
      await s3.use(`removing ${at(path)}`, 'DeleteObject', async (client, sdk) => {
        try {
          await client.send(new sdk.DeleteObjectCommand({ Bucket: settings.bucket, Key: key }));
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      });
    },
  };
}

async function* listFiles(s3: S3, folder: string, startAfter: string | undefined): AsyncGenerator<LakeFile> {
  yield* listBelow(s3, folder, startAfter);
}
