import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { makeCertificates } from './certificates.ts';

/** A request as a server got it. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
}

/** What a server answers; `hang`: nothing, and the connection stays open. */
export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpListener {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly heard: Heard[];
  answer: (request: Heard) => Answer | 'hang';
  close(): Promise<void>;
}

/** A server on a free port of the loopback that keeps what it hears, and answers 200 until told otherwise. */
export async function listenHttp(): Promise<HttpListener> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const bytes = Buffer.concat(parts);
      const heard = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: bytes.toString('utf8'),
        bytes,
      };
      listener.heard.push(heard);
      const answer = listener.answer(heard);
      if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listener: HttpListener = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: [],
    answer: () => ({ status: 200 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return listener;
}

/** An e-mail as a server got it. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly source: string;
}

export interface SmtpListener {
  readonly port: number;
  readonly mails: Mail[];
  close(): Promise<void>;
}

/** An SMTP server on a free port of the loopback; who logs in must be `me` with `p@ss word`. `startTls`: offers it, with a certificate that nobody vouches for. */
export async function listenSmtp({
  startTls = false,
  login = false,
}: {
  readonly startTls?: boolean;
  readonly login?: boolean;
} = {}): Promise<SmtpListener> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...(startTls ? unknownCertificate() : { disabledCommands: ['STARTTLS'] }),
    authOptional: !login,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (username === 'me' && password === 'p@ss word') done(null, { user: username });
      else done(new Error('who are you'));
    },
    onData(stream, session, done) {
      let source = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        source += text;
      });
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === 'string' ? session.user : undefined,
          source,
        });
        done();
      });
    },
  });
  // A client that does not like the certificate hangs up.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** For `localhost`, of an authority that is gone. */
function unknownCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'engine-smtp-'));
  try {
    const { serverKey, serverCert } = makeCertificates(folder, 'nobody');
    return { key: readFileSync(serverKey, 'utf8'), cert: readFileSync(serverCert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
