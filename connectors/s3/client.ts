import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type * as Sdk from '@aws-sdk/client-s3';
import { lazy } from '../../engine/base/lazy.ts';
import { keepSecret } from '../../engine/base/secret.ts';
import { EngineError } from '../../engine/error.ts';
import { s3Error } from './error.ts';
import type { S3Settings } from './settings.ts';

/** Tries of one request by the SDK, with growing pauses that add up to a few seconds; a node's own retries come on top. */
const maxAttempts = 6;
const connectMs = 5_000;
/** Without a byte in either direction for so long, a connection is given up. */
const idleMs = 60_000;
/** Enough for one upload by parts and the log's reading ahead. */
const sockets = 32;

/** The SDK, loaded and connected on first use, with errors told in the engine's words. */
export interface S3 {
  readonly settings: S3Settings;
  /** Does one piece of work with the SDK; `what` and `operation` are for the error (`s3Error`). */
  use<T>(what: string, operation: string, work: (client: Sdk.S3Client, sdk: typeof Sdk) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens nothing yet: no module is loaded and nothing is asked before the first `use`. */
export function openS3(settings: S3Settings): S3 {
  const loaded = lazy(async () => {
    // The SDK's documented switch: which Node.js is supported is this project's to say (package.json), not each command's.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const [sdk, { NodeHttpHandler }] = await Promise.all([import('@aws-sdk/client-s3'), import('@smithy/node-http-handler')]);
    const ca = await authorities(settings);
    const agent = { keepAlive: true, maxSockets: sockets };
    const client = new sdk.S3Client({
      ...(settings.region === undefined
        ? settings.endpoint === undefined
          ? {}
          : { region: regionOfOwnServer() }
        : { region: settings.region }),
      ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
      ...(settings.checksums === 'when_required'
        ? { requestChecksumCalculation: 'WHEN_REQUIRED' as const, responseChecksumValidation: 'WHEN_REQUIRED' as const }
        : {}),
      forcePathStyle: settings.forcePathStyle,
      maxAttempts,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: connectMs,
        socketTimeout: idleMs,
        // How long requests wait for a free socket is no news: the number of sockets is the bound.
        socketAcquisitionWarningTimeout: 600_000,
        httpAgent: agent,
        httpsAgent: ca === undefined ? agent : { ...agent, ca: [...ca] },
      }),
    });
    return { sdk, client };
  });
  return {
    settings,
    async use(what, operation, work) {
      try {
        const { sdk, client } = await loaded.get();
        const { secretAccessKey, sessionToken } = await client.config.credentials();
        keepSecret(secretAccessKey);
        keepSecret(sessionToken);
        return await work(client, sdk);
      } catch (error) {
        throw s3Error(error, what, operation, settings);
      }
    },
    async close() {
      const opened = await loaded.peek()?.catch(() => undefined);
      opened?.client.destroy();
      loaded.forget();
    },
  };
}

/** Servers of one's own rarely have regions, and sign with this one. */
function regionOfOwnServer(): string {
  return process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
}

/** Certificates to trust: the usual ones and those of the given file; undefined where only the usual ones are. Node.js reads NODE_EXTRA_CA_CERTS only where no others are given. */
async function authorities(settings: S3Settings): Promise<readonly string[] | undefined> {
  const file = settings.caFile ?? process.env.AWS_CA_BUNDLE;
  if (file === undefined || file === '') return undefined;
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  const files = [file, ...(extra === undefined || extra === '' ? [] : [extra])];
  return [...rootCertificates, ...(await Promise.all(files.map(readCertificates)))];
}

async function readCertificates(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw noCertificates(file, error instanceof Error ? error.message : String(error), error);
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw noCertificates(file, 'it has no certificate in PEM form');
  return text;
}

function noCertificates(file: string, why: string, cause?: unknown): EngineError {
  return new EngineError('usage', 'lake.ca-file', `certificates cannot be read from ${file}: ${why}`, {
    cause,
    hint: 'Name a file of PEM certificates in `lake: { caFile: ... }` (or AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS).',
  });
}
