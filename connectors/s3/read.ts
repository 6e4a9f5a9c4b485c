import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openScratch } from '../../engine/base/scratch.ts';
import { EngineError } from '../../engine/error.ts';
import type { S3 } from './client.ts';
import { isAbsent, isDenied, oddAnswer } from './error.ts';

/** The SDK tries a request again, but not a body that breaks on its way. */
const bodyTries = 4;

/** A whole object in memory; undefined when it is absent. `name` is for people. */
export async function readObject(s3: S3, key: string, name: string): Promise<Uint8Array | undefined> {
  const what = `reading ${name}`;
  return tryAgain(() =>
    s3.use(what, 'GetObject', async (client, sdk) => {
      try {
        const answer = await client.send(new sdk.GetObjectCommand({ Bucket: s3.settings.bucket, Key: key }));
        if (answer.Body === undefined || answer.ETag === undefined) throw oddAnswer(what, 'it has no body or no ETag');
        const bytes = await answer.Body.transformToByteArray();
        checkSize(what, answer.ContentLength, bytes.length);
        return bytes;
      } catch (error) {
        if (isAbsent(error) || (isDenied(error) && (await isListed(s3, key)) === false)) return undefined;
        throw error;
      }
    }),
  );
}

/**
 * Whether a listing has that very name; undefined when it may not be asked. Where the right to list is bound to a prefix, S3 answers 403 instead of 404 for a
 * name that is absent.
 */
async function isListed(s3: S3, key: string): Promise<boolean | undefined> {
  const Bucket = s3.settings.bucket;
  try {
    const page = await s3.use(`listing s3://${Bucket}/${key}`, 'ListObjectsV2', (client, sdk) =>
      client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix: key, MaxKeys: 1 })),
    );
    return page.Name === undefined ? undefined : (page.Contents ?? []).some((object) => object.Key === key);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Brings an object into a file of this machine; `release` removes it. Throws `lake.file-missing` when it is absent. */
export async function fetchObject(
  s3: S3,
  root: string,
  key: string,
  name: string,
): Promise<{ readonly localPath: string; release(): Promise<void> }> {
  const folder = await openScratch(root, 'fetch');
  const localPath = join(folder, 'object');
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const what = `reading ${name}`;
  try {
    await tryAgain(() =>
      s3.use(what, 'GetObject', async (client, sdk) => {
        const answer = await client.send(new sdk.GetObjectCommand({ Bucket: s3.settings.bucket, Key: key }));
        if (!(answer.Body instanceof Readable) || answer.ETag === undefined) throw oddAnswer(what, 'it has no body or no ETag');
        await pipeline(answer.Body, createWriteStream(localPath, { mode: 0o600 }));
        checkSize(what, answer.ContentLength, (await stat(localPath)).size);
      }),
    );
    return { localPath, release };
  } catch (error) {
    await release();
    throw error;
  }
}

function checkSize(what: string, promised: number | undefined, came: number): void {
  if (promised !== undefined && promised !== came) throw oddAnswer(what, `${came} bytes came of ${promised}`);
}

async function tryAgain<T>(once: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once();
    } catch (error) {
      const broken = error instanceof EngineError && bodyTroubles.has(error.code);
      if (!broken || attempt >= bodyTries) throw error;
      await pause(50 * attempt * (0.5 + Math.random()));
    }
  }
}

const bodyTroubles: ReadonlySet<string> = new Set(['lake.connection-lost', 'lake.checksum', 'lake.odd-answer']);
