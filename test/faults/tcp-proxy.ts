import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../support/wait.ts';
import { backendFrames, frontendFrames } from './postgres-frames.ts';
import { createRules, lasts, type Rule } from './rules.ts';

/**
 * What a proxy in front of Postgres does at a message of a client:
 * `delay` holds it back; `cut before` ends the connection in its place; `cut after` sends it and leaves at once; `drop answer` sends it, waits until
 * the server has done the work, and ends the connection without the answer; `cut in answer` passes the answer's first row or piece of data on and ends
 * the connection; `go away` ends all connections and refuses new ones for a while.
 */
export type PostgresAct = 'delay' | 'cut before' | 'cut after' | 'drop answer' | 'cut in answer' | 'go away';

/** A TCP proxy in front of one Postgres server, for sessions without TLS. */
export interface PostgresProxy {
  readonly port: number;
  /** The same database, by way of the proxy. */
  url(of: string): string;
  /**
   * Rules match texts `<application_name> > <message>`, a message being `startup`, `Query <sql>`, `Parse <sql>`, `CopyData`, `CopyDone` or another
   * one's name (PostgreSQL documentation, Message Formats). White space in SQL counts as one blank.
   */
  strike(...rules: readonly Rule<PostgresAct>[]): void;
  readonly strikes: readonly string[];
  /** Every message that passed since rules were last set, cut short: for finding out where to strike. */
  readonly seen: readonly string[];
  /** Resolves once new connections are taken again. */
  back(): Promise<void>;
  close(): Promise<void>;
}

/** Answers after which a piece of work is done: ReadyForQuery, and the server's word that it takes or gives COPY data. */
const answers = new Set(['Z', 'G', 'W']);
/** DataRow, CopyData. */
const data = new Set(['D', 'd']);

/** Listens on a port of its own. The caller closes it. */
export async function openPostgresProxy(target: { readonly host: string; readonly port: number }): Promise<PostgresProxy> {
  const rules = createRules<PostgresAct>();
  const seen: string[] = [];
  const open = new Set<() => void>();
  let port = 0;
  let server: Server | undefined;
  let returning: NodeJS.Timeout | undefined;

  const listen = async (): Promise<void> => {
    const fresh = createServer({ noDelay: true }, serve);
    fresh.listen(port, '127.0.0.1');
    await once(fresh, 'listening');
    const address = fresh.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    port = address.port;
    server = fresh;
  };
  const endAll = (): void => {
    for (const end of open) end();
  };
  const goAway = (forMs: number): void => {
    server?.close();
    server = undefined;
    endAll();
    returning = setTimeout(() => void listen(), forMs);
  };

  const serve = (client: Socket): void => {
    const upstream = connect({ host: target.host, port: target.port, noDelay: true });
    let answering: 'pass' | 'drop' | 'cut in answer' = 'pass';
    let session = '';
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    open.add(cut);
    client.once('close', () => {
      open.delete(cut);
      upstream.destroy();
    });
    upstream.once('close', () => client.destroy());
    // Both ends may be gone at any time: that is what this is for.
    client.on('error', cut);
    upstream.on('error', cut);

    const fromClient = async (): Promise<void> => {
      for await (const frame of frontendFrames(client)) {
        if (frame.session !== undefined) session = frame.session;
        const message = `${session} > ${frame.text.replaceAll(/\s+/g, ' ')}`;
        seen.push(message.slice(0, 200));
        const rule = rules.at(message);
        if (rule?.act === 'delay') await sleep(lasts(rule));
        if (rule?.act === 'cut before') return cut();
        if (rule?.act === 'go away') return goAway(lasts(rule));
        if (rule?.act === 'drop answer') answering = 'drop';
        if (rule?.act === 'cut in answer') answering = 'cut in answer';
        if (rule?.act === 'cut after') {
          upstream.end(frame.bytes);
          client.destroy();
          return;
        }
        if (!upstream.write(frame.bytes)) await once(upstream, 'drain');
      }
      upstream.end();
    };
    const fromServer = async (): Promise<void> => {
      for await (const frame of backendFrames(upstream)) {
        if (answering === 'drop') {
          if (answers.has(frame.type)) return cut();
          continue;
        }
        if (!client.write(frame.bytes)) await once(client, 'drain');
        if (answering === 'cut in answer' && data.has(frame.type)) {
          client.end();
          upstream.destroy();
          return;
        }
      }
      client.end();
    };
    for (const way of [fromClient(), fromServer()]) way.catch(cut);
  };

  await listen();
  return {
    port,
    url(of) {
      const url = new URL(of);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      return url.href;
    },
    strike(...wanted) {
      rules.set(wanted);
      seen.length = 0;
    },
    strikes: rules.strikes,
    seen,
    back: () => waitUntil(() => server !== undefined, 'the proxy to be back'),
    async close() {
      clearTimeout(returning);
      endAll();
      const closing = server;
      if (closing === undefined) return;
      closing.close();
      await once(closing, 'close');
    },
  };
}
