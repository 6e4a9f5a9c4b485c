import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request on its way to a server. */
export interface Passing {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** How many requests came before this one. */
  readonly index: number;
}

/**
 * What becomes of it. `cut` ends the connection in its place; `cut request` hands half of its body on and ends both connections; `lose answer` lets the server
 * do its work and then cuts; `cut body` sends half of the answer's body. `without` leaves a header out; `delayMs` holds the request back.
 */
export type Fate =
  | 'pass'
  | 'cut'
  | 'cut request'
  | 'lose answer'
  | 'cut body'
  | { readonly without: string }
  | { readonly delayMs: number }
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

/** What stands between the engine and an S3 server in a test. */
export interface Between {
  readonly endpoint: string;
  readonly seen: Passing[];
  /** Decides for each request; passes all at first. */
  decide: (passing: Passing) => Fate;
  close(): Promise<void>;
}

/** An error as S3 answers it. */
export function s3Answer(status: number, code: string, message = 'made by the test'): Fate {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body, headers: { 'content-type': 'application/xml' } };
}

/** Listens on a free port of the loopback. Requests keep their Host, so that signatures stay right. */
export async function standBetween(endpoint: string): Promise<Between> {
  const target = new URL(endpoint);
  const between: { -readonly [K in keyof Between]: Between[K] } = {
    endpoint: '',
    seen: [],
    decide: () => 'pass',
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const server = createServer((from, to) => {
    const passing = { method: from.method ?? '', url: from.url ?? '', headers: from.headers, index: between.seen.length };
    between.seen.push(passing);
    const fate = between.decide(passing);
    if (typeof fate === 'object' && 'status' in fate) return answer(from, to, fate);
    if (typeof fate === 'object' && 'delayMs' in fate) return void setTimeout(() => forward(target, from, to, 'pass'), fate.delayMs);
    if (fate === 'cut') return void from.socket.destroy();
    forward(target, from, to, fate);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  between.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return between;
}

function answer(from: IncomingMessage, to: ServerResponse, fate: Extract<Fate, { status: number }>): void {
  from.resume();
  from.once('end', () => to.writeHead(fate.status, fate.headers).end(fate.body));
}

type Forwarded = Exclude<Fate, 'cut' | { status: number } | { delayMs: number }>;

function forward(target: URL, from: IncomingMessage, to: ServerResponse, fate: Forwarded): void {
  const headers = { ...from.headers };
  if (typeof fate === 'object') delete headers[fate.without];
  const onward = request({ host: target.hostname, port: target.port, method: from.method, path: from.url, headers }, (back) => {
    if (fate === 'lose answer') {
      back.resume();
      back.once('end', () => from.socket.destroy());
      return;
    }
    to.writeHead(back.statusCode ?? 502, back.headers);
    if (fate !== 'cut body') return void back.pipe(to);
    const half = Math.floor(Number(back.headers['content-length'] ?? 0) / 2);
    let sent = 0;
    back.on('data', (chunk: Buffer) => {
      if (sent < half) to.write(chunk.subarray(0, half - sent));
      sent += chunk.length;
    });
    back.once('end', () => setImmediate(() => from.socket.destroy()));
  });
  onward.once('error', () => from.socket.destroy());
  if (fate === 'cut request') cutRequest(from, onward);
  else from.pipe(onward);
}

function cutRequest(from: IncomingMessage, onward: ClientRequest): void {
  const half = Math.floor(Number(from.headers['content-length'] ?? 0) / 2);
  let came = 0;
  from.on('data', (chunk: Buffer) => {
    if (came < half) onward.write(chunk.subarray(0, half - came));
    came += chunk.length;
  });
  from.once('end', () => {
    onward.destroy();
    from.socket.destroy();
  });
}
