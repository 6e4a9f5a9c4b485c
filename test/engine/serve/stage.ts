import { request } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openFileLake } from '../../../connectors/file/lake.ts';
import { connector as postgres } from '../../../connectors/postgres/index.ts';
import type { Access } from '../../../engine/access.ts';
import type { ApiError } from '../../../engine/api.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { makeCredential, tokenText } from '../../../engine/base/credential.ts';
import type { Config } from '../../../engine/config.ts';
import type { EventBody } from '../../../engine/event.ts';
import type { Plan } from '../../../engine/plan.ts';
import type { Queue } from '../../../engine/queue.ts';
import { createLog, type LogRecord } from '../../../engine/serve/logger.ts';
import type { ServerParts } from '../../../engine/serve/parts.ts';
import { type ApiServer, startServer } from '../../../engine/serve/server.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';

/** An answer to whoever asked for a body that the API declares. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Its JSON; a text, a page and a stream have none, and nobody names a type for it. */
  readonly body: T;
  /** Why there is no such body; undefined where there is one. */
  readonly error: ApiError['error'] | undefined;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string | Buffer;
  /** Instead of the server's own. */
  readonly host?: string;
}

/** A server on a real store, and what a test does to it. */
export interface Stage {
  readonly server: ApiServer;
  readonly store: Store;
  readonly queue: Queue;
  readonly access: Access;
  readonly database: TestDatabase;
  /** What its server is made of. */
  readonly parts: ServerParts;
  readonly told: string[];
  readonly logged: LogRecord[];
  /** The path is sent as it is, not made plain first. */
  ask<T>(path: string, asking?: Asking): Promise<Answer<T>>;
  /** Keeps a run with these events after its first. */
  keepRun(
    runId: string,
    pipeline: string,
    events?: readonly EventBody[],
    first?: Partial<EventBody & { type: 'run.started' }>,
  ): Promise<void>;
  keepEvents(runId: string, afterSeq: number, events: readonly EventBody[]): Promise<void>;
  makeToken(name: string): Promise<string>;
  another(over: Partial<ServerParts>): Promise<ApiServer>;
  close(): Promise<void>;
}

/** What `shop` could be read from. */
export const shopYaml = `version: 1
tables:
  users: {}
  orders: {}
pipelines:
  sync: { mode: incremental, tables: [users, orders] }
  nightly: { mode: full, tables: [users] }
`;

export const shop: Config = configOf(
  [tableOf('users'), tableOf('orders')],
  [
    pipelineOf('sync', ['users', 'orders'], {
      schedules: [{ cron: '*/15 * * * *', timezone: 'Europe/Berlin', dst: { gap: 'after', fold: 'once' } }],
      tags: ['shop'],
    }),
    pipelineOf('nightly', ['users'], { mode: 'full' }),
  ],
);

export const plan: Plan = {
  format_version: 1,
  pipeline: 'sync',
  mode: 'incremental',
  createdAt: '2026-01-31T09:00:00.000Z',
  fingerprint: 'f',
  nodes: [],
  schedules: [],
  request: {},
};

/** Asks by Node's own client, which sends the path as it is given. */
export function askAt<T>(url: string, path: string, { method = 'GET', headers = {}, json, body, host }: Asking = {}): Promise<Answer<T>> {
  const { hostname: at, port } = new URL(url);
  const sent = json === undefined ? body : JSON.stringify(json);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: at.replace(/^\[(.*)\]$/, '$1'),
        port,
        path,
        method,
        agent: false,
        headers: {
          ...(host === undefined ? {} : { host }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(sent === undefined ? {} : { 'content-length': Buffer.byteLength(sent) }),
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => {
          text += part;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const isJson = (answer.headers['content-type'] ?? '').startsWith('application/json');
          const body = isJson ? JSON.parse(text) : undefined;
          const status = answer.statusCode ?? 0;
          const { error }: Partial<ApiError> = status < 400 ? {} : (body ?? {});
          resolve({ status, headers: answer.headers, text, body, error });
        });
      },
    );
    asked.on('error', reject);
    asked.end(sent);
  });
}

export async function createStage(over: Partial<ServerParts> = {}): Promise<Stage> {
  const database = await freshDatabase('serve');
  const store = createPostgresStore({ connect: () => database.client(), schema: 'engine', clock: systemClock });
  await store.migrate();
  const { queue, history, access } = store;
  if (queue === undefined || history === undefined || access === undefined) throw new Error('a store on Postgres has them all');
  const told: string[] = [];
  const logged: LogRecord[] = [];
  const parts: ServerParts = {
    store,
    queue,
    history,
    access,
    clock: systemClock,
    engine: '0.0.0',
    self: { runId: 'daemon-1', host: hostname(), pid: process.pid, since: new Date().toISOString() },
    config: async () => shop,
    configText: () => ({ yaml: shopYaml, newer: false }),
    plan: async (wish) => ({ ...plan, pipeline: wish.pipeline, request: { ...wish } }),
    link: async (_config, kind, name) =>
      postgres.open(
        `${kind} ${name}`,
        { url: database.url, schema: 'staging', extract: {} },
        { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined },
      ),
    lake: async () => openFileLake(join(import.meta.dirname, 'no-such-lake')),
    problems: async () => [],
    settings: {
      standing: () => ({ takenAt: '2026-01-31T09:00:00.000Z', refused: undefined }),
      file: async () => ({ file: '/project/pipelines.yaml', inForce: true, lines: ['version: 1'], findings: [], unreadable: undefined }),
      doctor: async () => [{ part: 'lake', subject: 'folder', outcome: 'ok', message: 'can be written' }],
      testChannel: async () => undefined,
    },
    log: createLog({ level: 'debug', clock: systemClock, write: (record) => void logged.push(record) }),
    tell: (level, text) => void told.push(`${level}: ${text}`),
    uiFolder: join(import.meta.dirname, 'no-such-page'),
    listen: { host: '127.0.0.1', port: 0 },
    hosts: [],
    traced: false,
    requireToken: false,
    tls: undefined,
    routes: [],
    ...over,
  };
  const servers: ApiServer[] = [];
  const another = async (more: Partial<ServerParts>): Promise<ApiServer> => {
    const server = await startServer({ ...parts, ...more });
    servers.push(server);
    return server;
  };
  const server = await another({});
  const keepEvents: Stage['keepEvents'] = (runId, afterSeq, events) =>
    store.append(events.map((body, i) => ({ seq: afterSeq + 1 + i, at: new Date().toISOString(), runId, ...body })));
  return {
    server,
    store,
    queue,
    access,
    database,
    parts,
    told,
    logged,
    ask: (path, asking) => askAt(server.url, path, asking),
    async keepRun(runId, pipeline, events = [], first = {}) {
      await keepEvents(runId, 0, [
        {
          type: 'run.started',
          pipeline,
          mode: 'incremental',
          trigger: 'cli',
          nodes: [
            { id: 'extract users', type: 'postgres.extract', table: 'users', unit: 'extract users', needs: [] },
            { id: 'load users', type: 'postgres.load', table: 'users', unit: 'load users', needs: ['extract users'] },
          ],
          engine: '0.0.0',
          host: hostname(),
          pid: process.pid,
          request: {},
          ...first,
        },
      ]);
      await keepEvents(runId, 1, events);
    },
    keepEvents,
    async makeToken(name) {
      const { id, secret, hash } = makeCredential();
      await access.addToken({ id, name, hash, createdAt: new Date().toISOString() });
      return tokenText({ id, secret });
    },
    another,
    async close() {
      for (const each of servers) await each.close();
      await store.close();
      await database.drop();
    },
  };
}
