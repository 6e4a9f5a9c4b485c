import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../connectors/postgres/identifier.ts';
import { differenceOf } from './compare.ts';
import { freshDatabase, type TestDatabase } from './postgres.ts';
import { createRig, type Outcome, type Rig } from './rig.ts';
import { waitUntil } from './wait.ts';

const yaml = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: "\${LAKE:-lake}" }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at, retries: { attempts: 1 } }
tables: { users: { key: id }, orders: { key: id } }
pipelines:
  full: { mode: full, tables: [users, orders] }
  changed: { mode: incremental, tables: [users, orders] }
`;

/** A project of two tables, on a source and a warehouse that tests make trouble with, and what it looked like at a moment. */
export interface TroubledProject {
  readonly rig: Rig;
  readonly source: TestDatabase;
  readonly warehouse: TestDatabase;
  readonly from: pg.Client;
  readonly to: pg.Client;
  /** Added to the environment for so long. */
  withEnv<T>(env: Readonly<Record<string, string>>, body: () => Promise<T>): Promise<T>;
  /** Runs the engine; fails unless it ends with that code and says all that on stderr, with a way out where it failed, and no stack. */
  says(code: number, texts: readonly (string | RegExp)[], ...args: readonly string[]): Promise<Outcome>;
  /** The next run is green, and both tables of staging are the source. */
  recovers(...args: readonly string[]): Promise<Outcome>;
  /** Every file of the lake, and each row of staging with the transaction that wrote it, and what the ledger has. */
  standing(): Promise<unknown>;
  /** Files of one lake table. */
  lakeFiles(table: string): readonly string[];
  /** A role that may log in on this server alone, with its URL on a database. */
  role(database: TestDatabase): Promise<{ readonly name: string; readonly url: string }>;
  /** Waits until no session of the engine is left on either database. */
  noSessions(): Promise<void>;
  /** Waits until a session of the engine whose name begins with `engine <label>` waits for a lock on that server. */
  waitsForLock(label: string): Promise<void>;
  /** Fails when a password stands in any output so far, in any file of the project, or in the history of runs. */
  noPasswords(): Promise<void>;
  close(): Promise<void>;
}

/** Makes it, with 100 rows in each table; nothing has run yet. */
export async function openTroubledProject(): Promise<TroubledProject> {
  const source = await freshDatabase('trouble');
  const warehouse = await freshDatabase('trouble_dw');
  const [from, to] = [await source.client(), await warehouse.client()];
  for (const table of ['users', 'orders'])
    await from.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
       INSERT INTO ${table} SELECT g, md5(g::text), now() - interval '1 day' FROM generate_series(1, 100) g`,
    );
  const rig = await createRig({ 'pipelines.yaml': yaml });
  Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  const secrets = new Set([wrongPassword, ...[source, warehouse].map(({ parameters }) => parameters.password ?? '')]);
  const outputs: string[] = [];
  const roles: string[] = [];
  const names = [source.name, warehouse.name];

  const engine = async (args: readonly string[]): Promise<Outcome> => {
    const outcome = await rig.engine(...args);
    outputs.push(outcome.stdout, outcome.stderr);
    return outcome;
  };
  const lakeFiles = (table: string): readonly string[] => {
    const folder = join(rig.root, 'lake', table);
    return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
  };
  return {
    rig,
    source,
    warehouse,
    from,
    to,
    lakeFiles,
    async withEnv(env, body) {
      const before = { ...rig.env };
      Object.assign(rig.env, env);
      try {
        return await body();
      } finally {
        for (const name of Object.keys(env)) rig.env[name] = before[name];
      }
    },
    async says(code, texts, ...args) {
      const outcome = await engine(args);
      const all = `engine ${args.join(' ')}: ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`;
      assert.is(outcome.code, code, all);
      for (const text of [...texts, ...(code === 0 ? [] : ['what to do: '])])
        assert.ok(typeof text === 'string' ? outcome.stderr.includes(text) : text.test(outcome.stderr), `no ${text} in ${all}`);
      assert.not.match(outcome.stderr, /\n {4}at /);
      return outcome;
    },
    async recovers(...args) {
      const outcome = await engine(args.length === 0 ? ['run', '--pipeline', 'changed'] : args);
      assert.is(outcome.code, 0, `${outcome.stdout}\n${outcome.stderr}`);
      for (const name of ['users', 'orders']) {
        const d = await differenceOf(from, { schema: 'public', name }, to, { schema: 'staging', name });
        assert.equal([name, d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [name, [], []]);
        assert.ok(d.rows >= 100);
      }
      return outcome;
    },
    async standing() {
      const rows = async (sql: string): Promise<unknown> => (await to.query(sql)).rows;
      return {
        users: lakeFiles('users'),
        orders: lakeFiles('orders'),
        staging: await rows(
          'SELECT id, name, updated_at::text, xmin::text FROM staging.users UNION ALL SELECT -id, name, updated_at::text, xmin::text FROM staging.orders ORDER BY 1',
        ),
        ledger: await rows('SELECT target_table, version::int FROM engine.loads ORDER BY 1, 2'),
      };
    },
    async role(database) {
      const name = `${database.name}_role_${roles.length}`;
      const password = `only-${randomBytes(8).toString('hex')}`;
      secrets.add(password);
      const client = await database.client();
      await client.query(`CREATE ROLE ${quoteIdentifier(name)} LOGIN PASSWORD ${quoteLiteral(password)}`);
      await client.end();
      roles.push(name);
      return { name, url: changed(database.url, { username: name, password }) };
    },
    async noSessions() {
      await waitUntil(async () => {
        const { rows } = await to.query("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'engine%' AND datname = ANY ($1)", [
          names,
        ]);
        return rows.length === 0;
      }, 'the sessions of the engine to end');
    },
    async waitsForLock(label) {
      await waitUntil(
        async () => {
          const { rows } = await to.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE $1 AND datname = ANY ($2) AND wait_event_type = 'Lock'",
            [`engine ${label}%`, names],
          );
          return rows.length > 0;
        },
        `engine ${label} to wait for a lock`,
        30_000,
      );
    },
    async noPasswords() {
      const files = readdirSync(rig.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const written = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
      const { rows } = await to.query<{ all: string }>('SELECT string_agg(e::text, chr(10)) AS all FROM engine.events e');
      assert.ok(outputs.length > 0 && files.length > 0 && (rows[0]?.all.length ?? 0) > 0);
      for (const text of [...outputs, ...written, rows[0]?.all ?? ''])
        for (const secret of secrets) assert.not.ok(text.includes(secret), `a password in: ${text.slice(0, 2000)}`);
    },
    async close() {
      await rig.cleanup();
      for (const name of roles) {
        for (const client of [from, to]) await client.query(`DROP OWNED BY ${quoteIdentifier(name)}`);
      }
      await source.drop();
      const last = await to.query<{ name: string }>('SELECT rolname::text AS name FROM pg_roles WHERE rolname = ANY ($1)', [roles]);
      for (const { name } of last.rows) await to.query(`DROP ROLE ${quoteIdentifier(name)}`);
      await warehouse.drop();
    },
  };
}

/** One that no role has. */
export const wrongPassword = 'open-sesame-4711';

/** The URL with some of its parts changed. */
export function changed(url: string, parts: Partial<Pick<URL, 'hostname' | 'port' | 'pathname' | 'username' | 'password'>>): string {
  return Object.assign(new URL(url), parts).href;
}
