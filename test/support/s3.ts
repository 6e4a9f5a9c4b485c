import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonWith } from './python-packages.ts';
import { type Suite, suite } from './suite.ts';
import { versitygw } from './versitygw.ts';
import { waitUntil } from './wait.ts';

/** Two servers that share no code: a gateway to a folder that is strict, and a simulation that takes any secret. */
export type S3Kind = 'versitygw' | 'moto';
export const s3Kinds: readonly S3Kind[] = ['versitygw', 'moto'];

export interface S3Server {
  readonly kind: S3Kind;
  /** `http://127.0.0.1:port`; with a certificate `https://localhost:port`. */
  readonly endpoint: string;
  readonly region: string;
  /** An empty bucket that is there from the start. */
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What a process needs in its environment to find these credentials, and no others of this machine. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const moto = ['moto[server]==5.2.1'];
const region = 'us-east-1';
const credentials = { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'test+secret/of=the/tests0123456789abcdef' };

const noVersitygw =
  'no versitygw, and no Go 1.21 or newer to build it with: `node --import tsx test/support/versitygw.ts` builds it all the same';

/** Why a kind of server cannot run here, for `Suite.skip`; undefined when it can. */
export async function missingS3(kind: S3Kind): Promise<string | undefined> {
  return kind === 'versitygw' && (await versitygw()) === undefined ? noVersitygw : undefined;
}

/** Declares the tests of one suite for each kind of server, with a server of its own that is closed after them; skips them where that kind cannot run. */
export async function onEachS3(name: string, define: (s: Suite, server: () => S3Server, kind: S3Kind) => void): Promise<void> {
  for (const kind of s3Kinds) {
    const missing = await missingS3(kind);
    suite(`${name} (${kind})`, (s) => {
      let server: S3Server | undefined;
      if (missing !== undefined) return s.skip('all of it', missing);
      s.before(async () => {
        server = await startS3(kind);
      });
      define(
        s,
        () => {
          if (server === undefined) throw new Error(`${kind} is not started yet`);
          return server;
        },
        kind,
      );
      s.after(async () => {
        await server?.close();
      });
    });
  }
}

/** The environment of `S3Server.env`, known before a server runs. */
export const s3Env: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/**
 * Starts a server of its own on a free port of the loopback, with its data in a temporary folder. It ends with this process, however that ends.
 * This process gets `env` too. `certificate`: files in PEM form, for TLS with the name `localhost`.
 */
export async function startS3(
  kind: S3Kind,
  options: { readonly certificate?: { readonly cert: string; readonly key: string } } = {},
): Promise<S3Server> {
  Object.assign(process.env, s3Env);
  for (let attempt = 1; ; attempt += 1) {
    const started = await tryStart(kind, options.certificate);
    if (typeof started !== 'string') return started;
    if (attempt === 3) throw new Error(`${kind} did not start: ${started}`);
  }
}

async function tryStart(
  kind: S3Kind,
  certificate: { readonly cert: string; readonly key: string } | undefined,
): Promise<S3Server | string> {
  const folder = mkdtempSync(join(tmpdir(), `engine-${kind}-`));
  const bucket = 'lake';
  const port = await freePort();
  const command = kind === 'moto' ? await motoCommand(port, certificate) : await versitygwCommand(port, folder, bucket, certificate);
  const child = spawnGuarded(command, folder);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let over = false;
  void ended.then(() => (over = true));
  const endpoint = certificate === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const close = async (): Promise<void> => {
    child.ref();
    child.stdin?.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  await waitUntil(async () => over || (await answers(endpoint)), `${kind} answers`, 30_000);
  if (over) {
    await close();
    return said;
  }
  if (kind === 'moto') await ask('PUT', `${endpoint}/${bucket}`);
  letGo(child);
  return { kind, endpoint, region, bucket, credentials, env: s3Env, close };
}

async function motoCommand(
  port: number,
  certificate: { readonly cert: string; readonly key: string } | undefined,
): Promise<readonly string[]> {
  const tls = certificate === undefined ? [] : ['-c', certificate.cert, '-k', certificate.key];
  return [await pythonWith(moto), '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port), ...tls];
}

async function versitygwCommand(
  port: number,
  folder: string,
  bucket: string,
  certificate: { readonly cert: string; readonly key: string } | undefined,
): Promise<readonly string[]> {
  mkdirSync(join(folder, 'data', bucket), { recursive: true });
  const tls = certificate === undefined ? [] : ['--cert', certificate.cert, '--key', certificate.key];
  const keys = ['--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey, '--region', region];
  const program = await versitygw();
  if (program === undefined) throw new Error(noVersitygw);
  return [program, '--quiet', '--keep-alive', '--port', `127.0.0.1:${port}`, ...keys, ...tls, 'posix', join(folder, 'data')];
}

/** A shell beside the server waits for the end of its own input, which comes when this process is gone, and takes the server and its data along. */
function spawnGuarded(command: readonly string[], folder: string): ChildProcess {
  const script = '"$@" </dev/null & server=$!; (cat <&3 >/dev/null; kill $server 2>/dev/null) & wait $server; rm -rf "$FOLDER"';
  return spawn('/bin/sh', ['-c', `exec 3<&0; ${script}`, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, FOLDER: folder, PYTHONUNBUFFERED: '1' },
  });
}

/** A server that was not closed does not keep this process from ending. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) if (stream instanceof Socket) stream.unref();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function answers(endpoint: string): Promise<boolean> {
  return ask('GET', endpoint).then(
    () => true,
    () => false,
  );
}

function ask(method: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    send(url, { method, rejectUnauthorized: false, timeout: 2_000 }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    })
      .once('error', reject)
      .once('timeout', function (this: { destroy(error: Error): void }) {
        this.destroy(new Error('no answer'));
      })
      .end();
  });
}
