import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../connectors/postgres/identifier.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Outcome, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';
import { changed } from '../support/trouble.ts';

const yaml = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
dbt: { project: dbt, sink: warehouse }
defaults: { cursor: updated_at, concurrency: 1 }
tables: { users: { key: id }, orders: { key: id, columns: { exclude: [secret] } } }
pipelines:
  full: { mode: full, tables: [users, orders] }
  changed:
    mode: incremental
    tables: [users, orders]
    dbt: [users]
    schedules:
      - { cron: "30 3 * * *", timezone: Europe/Berlin }
      - { cron: "*/15 * * * *", timezone: UTC }
`;

interface PlanDocument {
  readonly fingerprint: string;
  readonly schedules: readonly { readonly cron: string; readonly next: readonly string[] }[];
  readonly nodes: readonly {
    readonly id: string;
    readonly plan: {
      readonly action: string;
      readonly moves: boolean;
      readonly rowsEstimate?: number;
      readonly bytesEstimate?: number;
      readonly details: readonly string[];
      readonly sql: readonly string[];
    };
  }[];
}

suite('a plan for eyes that may only read', ({ test, before, after }) => {
  let rig: Rig;
  let source: TestDatabase;
  let sink: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let reader = '';
  const password = 'only-reads-77';

  before(async () => {
    source = await freshDatabase('planned');
    sink = await freshDatabase('planned_dw');
    [from, to] = [await source.client(), await sink.client()];
    reader = `${source.name}_reader`;
    await from.query(`
      CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE orders (id int PRIMARY KEY, name text, secret text, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX ON users (updated_at);
      INSERT INTO users SELECT g, 'user ' || g, now() - interval '1 day' FROM generate_series(1, 1000) g;
      INSERT INTO orders SELECT g, 'order ' || g, 'x', now() - interval '1 day' FROM generate_series(1, 500) g;
      CREATE ROLE ${quoteIdentifier(reader)} LOGIN PASSWORD ${quoteLiteral(password)};
      GRANT SELECT ON users TO ${quoteIdentifier(reader)};
      GRANT SELECT (id, name, updated_at) ON orders TO ${quoteIdentifier(reader)};
      GRANT pg_read_all_stats TO ${quoteIdentifier(reader)};
      ANALYZE`);
    rig = await createRig({ 'pipelines.yaml': yaml, 'dbt/dbt_project.yml': 'name: warehouse\nversion: "1"\nprofile: warehouse\n' });
    asReader();
  });
  after(async () => {
    await rig.cleanup();
    for (const client of [from, to]) await client.query(`DROP OWNED BY ${quoteIdentifier(reader)}`);
    await source.drop();
    await to.query(`DROP ROLE ${quoteIdentifier(reader)}`);
    await sink.drop();
  });

  const asReader = (): void => {
    const limited = (url: string): string => changed(url, { username: reader, password });
    Object.assign(rig.env, { SOURCE_URL: limited(source.url), WAREHOUSE_URL: limited(sink.url) });
  };
  /** Carries something out as the owner of both databases. */
  const asOwner = async (...args: readonly string[]): Promise<Outcome> => {
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: sink.url });
    try {
      return await rig.engine(...args);
    } finally {
      asReader();
    }
  };
  /** Every file of the project with its size and time, and every schema, relation and type of both databases, with how often rows were written. */
  const world = async (): Promise<unknown> => {
    const files = readdirSync(rig.root, { recursive: true, encoding: 'utf8' }).map((path) => {
      const { size, mtimeMs } = statSync(join(rig.root, path));
      return `${path} ${statSync(join(rig.root, path)).isDirectory() ? '' : size} ${mtimeMs}`;
    });
    const objects = async (client: pg.Client): Promise<unknown> =>
      (
        await client.query(
          `SELECT 'schema' AS kind, nspname::text AS name, xmin::text AS at FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
           UNION ALL SELECT 'relation', oid::text || relname, relfilenode::text FROM pg_class WHERE oid >= 16384
           UNION ALL SELECT 'role', rolname, rolsuper::text FROM pg_roles WHERE rolname = $1 ORDER BY 1, 2`,
          [reader],
        )
      ).rows;
    return { files: files.sort(), source: await objects(from), sink: await objects(to) };
  };
  const plans = async (...args: readonly string[]): Promise<PlanDocument> => {
    const { code, documents, stderr } = await rig.json(...args);
    assert.is(code, 0, stderr);
    assert.is(documents.length, 1);
    return documents[0] as unknown as PlanDocument;
  };
  const nodeOf = (plan: PlanDocument, id: string): PlanDocument['nodes'][number]['plan'] => {
    const node = plan.nodes.find((n) => n.id === id);
    if (node === undefined) throw new Error(`no ${id} in ${plan.nodes.map((n) => n.id).join(', ')}`);
    return node.plan;
  };

  test('before anything has run: what is made, with estimates; and nothing is written anywhere', async () => {
    const before = await world();
    for (const args of [
      ['plan'],
      ['plan', '--pipeline', 'full', '--sql'],
      ['run', '--pipeline', 'changed', '--dry-run'],
      ['status'],
      ['runs'],
    ]) {
      const { code, stdout, stderr } = await rig.engine(...args);
      assert.is(code, 0, `${args.join(' ')}\n${stdout}\n${stderr}`);
      assert.not.match(stdout + stderr, password);
    }
    const { stdout } = await rig.engine('plan', '--pipeline', 'full');
    assert.match(stdout, /> {3}extract users +public\.users -> lake users\/, full, 3 columns \(~1,000 rows, ~[\d.]+ kB\)/);
    assert.match(stdout, 'the first extract: every row in the snapshot');
    assert.match(stdout, /\+ └ load users +staging\.users: makes and fills it/);
    assert.match(stdout, 'Plan: 2 to read, 2 to create, 2 with nothing to do; ~1,500 rows');
    assert.equal(await world(), before);
    assert.not.ok(existsSync(join(rig.root, 'lake')));
  });

  test('a dry run says just what a plan says', async () => {
    const timeless = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
    const plan = await rig.engine('plan', '--pipeline', 'changed');
    const dry = await rig.engine('run', '--pipeline', 'changed', '--dry-run');
    assert.is(timeless(dry.stdout), timeless(plan.stdout));
    const [a, b] = [await plans('plan', '--pipeline', 'changed'), await plans('run', '--pipeline', 'changed', '--dry-run')];
    assert.is(a.fingerprint, b.fingerprint);
  });

  test('the next fires are those of each schedule in its own time zone', async () => {
    const { schedules } = await plans('plan', '--pipeline', 'changed');
    assert.equal(
      schedules.map(({ cron, next }) => [cron, next.length]),
      [
        ['30 3 * * *', 3],
        ['*/15 * * * *', 3],
      ],
    );
    for (const at of schedules[0]?.next ?? []) assert.match(at, /T03:30:00\+0[12]:00$/);
    const quarters = (schedules[1]?.next ?? []).map((at) => Date.parse(at));
    assert.equal(
      quarters.map((at) => at % 900_000),
      [0, 0, 0],
    );
    assert.ok((quarters[0] ?? 0) > Date.now() - 1000 && (quarters[0] ?? 0) <= Date.now() + 900_000);
    assert.match(
      (await rig.engine('plan', '--pipeline', 'changed')).stdout,
      /\nnext 30 3 \* \* \* \(Europe\/Berlin\): \d{4}-\d\d-\d\dT03:30:00/,
    );
  });

  test('after a first run: the low bound, the fence with who holds it, the few changed rows, what is replaced and which locks', async () => {
    const done = await asOwner('run', '--pipeline', 'full');
    assert.is(done.code, 0, done.stderr);
    await to.query(`GRANT USAGE ON SCHEMA engine, staging TO ${quoteIdentifier(reader)}`);
    await to.query(`GRANT SELECT ON engine.loads TO ${quoteIdentifier(reader)}`);
    const state = (await rig.json('state', 'show', 'users')).documents[0]?.tables as readonly { readonly fence: string }[] | undefined;
    const fence = state?.[0]?.fence ?? '';
    const holder = await source.client();
    await holder.query("SET application_name = 'month end of alice'");
    await holder.query('BEGIN; SELECT txid_current()');
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await from.query("UPDATE users SET name = 'changed', updated_at = clock_timestamp() WHERE id <= 7");
    await from.query('ANALYZE users');

    const before = await world();
    const plan = await plans('plan', '--pipeline', 'changed');
    const low = new Date(Date.parse(fence) - 10_000).toISOString().slice(0, 23);
    const [start = '', next = ''] = nodeOf(plan, 'extract users').details;
    assert.ok(start.startsWith(`rows with updated_at from ${low}`), start);
    assert.match(start, `(the last fence ${fence} less 10 s), no upper bound`);
    assert.match(
      next,
      new RegExp(`^the next fence would be 2\\S+Z, held by pid ${rows[0]?.pid} \\(user engine, application month end of alice\\), since 2`),
    );
    const { rowsEstimate, moves } = nodeOf(plan, 'extract users');
    assert.ok(moves && (rowsEstimate ?? 0) >= 1 && (rowsEstimate ?? 0) <= 100, `${rowsEstimate}`);
    assert.equal([nodeOf(plan, 'extract orders').moves, nodeOf(plan, 'extract orders').rowsEstimate], [false, 0]);
    assert.is(nodeOf(plan, 'dbt').action, 'run');

    const text = (await rig.engine('plan', '--pipeline', 'full')).stdout;
    assert.match(text, /-\/\+ ┌ truncate users +staging\.users: ~1,000 rows are replaced/);
    assert.match(text, 'locks: ACCESS EXCLUSIVE from TRUNCATE to COMMIT');
    assert.match(text, 'loaded so far: lake v0');
    assert.equal(await world(), before);
    await holder.query('ROLLBACK');
    await holder.end();
  });

  test('files that wait in the lake are counted, and --sql shows the statements without a value or a password', async () => {
    await to.query('CREATE FUNCTION staging.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE $x$not today$x$; END $$');
    await to.query('CREATE TRIGGER no BEFORE INSERT ON staging.users FOR EACH STATEMENT EXECUTE FUNCTION staging.no()');
    const failed = await asOwner('run', '--pipeline', 'changed');
    assert.is(failed.code, 1, failed.stderr);
    assert.match(failed.stderr, 'not today');
    await to.query('DROP TRIGGER no ON staging.users');

    const before = await world();
    const plan = await plans('plan', '--pipeline', 'changed');
    const load = nodeOf(plan, 'load users');
    assert.ok(load.details.includes('waits in the lake: v1, changes, 1 file, 7 rows'), load.details.join('\n'));
    assert.is(load.action, 'merge');
    assert.ok((load.rowsEstimate ?? 0) >= 7);
    const sql = load.sql.join(';\n');
    for (const piece of ['BEGIN', 'COPY', 'ON CONFLICT ("id") DO UPDATE', 'INSERT INTO "engine"."loads"', 'COMMIT'])
      assert.match(sql, piece);
    const extract = nodeOf(plan, 'extract orders').sql.join('\n');
    assert.match(extract, 'FROM "public"."orders"');
    assert.not.match(extract, 'secret');
    const shown = await rig.engine('plan', '--pipeline', 'changed', '--sql');
    for (const statement of load.sql) assert.match(shown.stdout, `| ${statement.split('\n')[0]}`);
    assert.not.match((await rig.engine('plan', '--pipeline', 'changed')).stdout, 'ON CONFLICT');
    assert.not.match(shown.stdout, password);
    const detailed = await rig.engine('plan', '--pipeline', 'changed', '--detailed-exitcode');
    assert.is(detailed.code, 2);
    assert.equal(await world(), before);
  });

  test('the statements that --sql shows for an extract can be run as they are, and give the rows that the estimate is of', async () => {
    const plan = await plans('plan', '--pipeline', 'full');
    const client = await source.client();
    for (const [id, rows] of [
      ['extract users', 1000],
      ['extract orders', 500],
    ] as const) {
      const [statement = ''] = nodeOf(plan, id).sql;
      assert.is((await client.query(statement)).rowCount, rows);
    }
    await client.end();
  });

  test('what a run would fail on is shown in the plan, with the exit code of the run', async () => {
    await from.query(`REVOKE SELECT (name) ON orders FROM ${quoteIdentifier(reader)}`);
    const { code, stdout } = await rig.engine('plan', '--pipeline', 'full');
    assert.is(code, 3, stdout);
    assert.match(stdout, /! {3}extract orders +asking the planner about public\.orders: permission denied for table orders/);
    assert.match(stdout, /> {3}extract users/);
    assert.is((await rig.engine('run', '--pipeline', 'full', '--dry-run')).code, 3);
    await from.query(`GRANT SELECT (name) ON orders TO ${quoteIdentifier(reader)}`);
  });

  test('a view that takes a minute for its first row costs a plan seconds, and its rows are the estimate of the planner', async () => {
    const view = (more: string): string => `CREATE OR REPLACE VIEW slow AS SELECT id, name, updated_at FROM users${more}`;
    await from.query(view(''));
    rig.write(
      'slow.yaml',
      yaml.replace('users: { key: id }', 'users: { key: id, table: public.slow }').replace('path: lake', 'path: slow'),
    );
    const of = ['--config', 'slow.yaml', '--table', 'users'];
    const done = await asOwner('run', '--pipeline', 'full', ...of);
    assert.is(done.code, 0, done.stderr);
    await from.query(view(' WHERE pg_sleep(60) IS NOT NULL'));
    const began = Date.now();
    const { code, stdout, stderr } = await asOwner('plan', '--pipeline', 'changed', ...of);
    assert.is(code, 0, stderr);
    assert.ok(Date.now() - began < 30_000, `${Date.now() - began} ms`);
    assert.match(stdout, /> {3}extract users +public\.slow -> lake users\/, incremental, 3 columns \(~[\d,]+ rows?,/);
  });
});
