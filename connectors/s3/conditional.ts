import { setTimeout as pause } from 'node:timers/promises';
import { lazy } from '../../engine/base/lazy.ts';
import { EngineError } from '../../engine/error.ts';
import type { Lake } from '../../lake/lake.ts';
import type { S3 } from './client.ts';
import { failureOf, noConditionalPut, oddAnswer, s3Error } from './error.ts';
import { keyOf, keysBelow } from './key.ts';
import { markerName } from './list.ts';
import { s3Uri } from './settings.ts';

/** Another write of the same name was under way each time. */
const conflictTries = 12;

/** One conditional write. 409 means that another one of this name is under way: try again. Throws as `Lake.createIfAbsent` does. */
export async function putIfAbsent(s3: S3, key: string, content: Uint8Array): Promise<'created' | 'exists'> {
  const what = `writing s3://${s3.settings.bucket}/${key}`;
  return await s3.use(what, 'PutObject', async (client, sdk) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await client.send(
          new sdk.PutObjectCommand({ Bucket: s3.settings.bucket, Key: key, Body: content, IfNoneMatch: '*' }),
        );
        if (answer.ETag === undefined) throw oddAnswer(what, 'it has no ETag');
        return 'created';
      } catch (error) {
        const { name, status, message } = failureOf(error);
        if (name === 'PreconditionFailed' || status === 412) return 'exists';
        if (status === 501 || name === 'NotImplemented') throw noConditionalPut(s3.settings, message, error);
        if (status === 409 && attempt < conflictTries) await pause(20 * attempt * (0.5 + Math.random()));
        else if (status === 409) throw stillUnderWay(what, error);
        else throw unlessAskedAgain(error, s3Error(error, what, 'PutObject', s3.settings));
      }
    }
  });
}

function stillUnderWay(what: string, cause: unknown): EngineError {
  return new EngineError('outside', 'lake.busy', `${what} failed: another write of this name was under way each time`, {
    cause,
    hint: 'Run again. Let only one engine write to a lake.',
    retryable: true,
  });
}

/** The SDK had asked before, without an answer: what it was told last does not say that nothing was written. */
function unlessAskedAgain(error: unknown, told: EngineError): EngineError {
  const attempts = (error as { readonly $metadata?: { readonly attempts?: unknown } } | null)?.$metadata?.attempts;
  if (told.retryable || typeof attempts !== 'number' || attempts < 2) return told;
  return new EngineError(told.trouble, told.code, told.message, {
    cause: error,
    retryable: true,
    ...(told.hint === undefined ? {} : { hint: told.hint }),
  });
}

/**
 * `Lake.createIfAbsent` for S3. Before its first write it makes sure that the server refuses to overwrite: an empty object is created only if absent until
 * the answer is "exists", which the second answer must be. A server that overwrites in silence is refused (`lake.no-conditional-put`) before it does harm.
 */
export function conditionalCreate(s3: S3): Lake['createIfAbsent'] {
  const tried = lazy(() => requireConditionalWrites(s3, `${keysBelow(s3.settings, '')}${markerName}`));
  return async (path, content) => {
    const key = keyOf(s3.settings, path);
    await tried.get();
    return putIfAbsent(s3, key, content);
  };
}

async function requireConditionalWrites(s3: S3, marker: string): Promise<void> {
  if ((await putIfAbsent(s3, marker, new Uint8Array())) === 'exists') return;
  if ((await putIfAbsent(s3, marker, new Uint8Array())) === 'exists') return;
  throw noConditionalPut(s3.settings, `it overwrote ${s3Uri(s3.settings)}/${markerName} in silence`);
}
