import { randomUUID } from 'node:crypto';
import type { Checkup } from '../../engine/connector.ts';
import { errorData } from '../../engine/error.ts';
import type { S3 } from './client.ts';
import { putIfAbsent } from './conditional.ts';
import { noConditionalPut } from './error.ts';
import { keysBelow } from './key.ts';
import { s3Uri } from './settings.ts';

const rivals = 8;

/** Looks at a lake on S3: the bucket can be listed, a name is created once and only once, read, and removed. What it writes to try is gone afterwards. */
export async function checkup(s3: S3): Promise<readonly Checkup[]> {
  const { settings } = s3;
  const uri = s3Uri(settings);
  const key = `${keysBelow(settings, '')}.engine-doctor-${randomUUID()}`;
  const found: Checkup[] = [];
  const look = async (subject: string, message: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      found.push({ subject, outcome: 'ok', message });
      return true;
    } catch (error) {
      const { message: why, hint } = errorData(error);
      found.push({ subject, outcome: 'fail', message: why, ...(hint === undefined ? {} : { hint }) });
      return false;
    }
  };
  const listed = await look('bucket', `${uri} can be listed`, () =>
    s3.use(`listing ${uri}`, 'ListObjectsV2', async (client, sdk) => {
      await client.send(new sdk.ListObjectsV2Command({ Bucket: settings.bucket, Prefix: keysBelow(settings, ''), MaxKeys: 1 }));
    }),
  );
  if (!listed) return found;
  try {
    const created = await look('commit', 'a name is created once: of eight writers one wins, and no other overwrites it', async () => {
      const outcomes = await Promise.all(Array.from({ length: rivals }, (_, i) => putIfAbsent(s3, key, new Uint8Array([i]))));
      const winners = outcomes.filter((o) => o === 'created').length;
      const again = await putIfAbsent(s3, key, new Uint8Array([rivals]));
      if (winners !== 1 || again !== 'exists')
        throw noConditionalPut(settings, `${winners + (again === 'created' ? 1 : 0)} writers of one name won`);
    });
    if (created)
      await look('read', 'files can be read', () =>
        s3.use(`reading ${uri}`, 'GetObject', async (client, sdk) => {
          await (await client.send(new sdk.GetObjectCommand({ Bucket: settings.bucket, Key: key }))).Body?.transformToByteArray();
        }),
      );
  } finally {
    await look('remove', 'files can be removed', () =>
      s3.use(`removing ${uri}`, 'DeleteObject', async (client, sdk) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: settings.bucket, Key: key }));
      }),
    );
  }
  return found;
}
