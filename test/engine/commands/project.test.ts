import * as assert from 'uvu/assert';
import { quoteIdentifier } from '../../../connectors/postgres/identifier.ts';
import { freshDatabase, type TestDatabase, testServer } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const yaml = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at }
pipelines:
  whole:
    mode: full
    tables: ["public.*"]
    exclude: [country]
  changes:
    mode: incremental
    tables: ["public.*"]
    exclude: [country]
    schedule: { cron: "0 12 * * *", timezone: UTC }
  broken:
    mode: incremental
    tables: ["public.*"]
`;

suite('plan, doctor and state on real servers', ({ test, before, after }) => {
  let rig: Rig;
  let source: TestDatabase;
  let sink: TestDatabase;
  let reader = '';

  before(async () => {
    source = await freshDatabase('plan_source');
    sink = await freshDatabase('plan_sink');
    reader = `${source.name}_reader`;
    const client = await source.client();
    await client.query(`
      CREATE TABLE users (id bigint PRIMARY KEY, email text, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE country (code text PRIMARY KEY);
      CREATE TABLE payment (id bigint, updated_at timestamptz NOT NULL, PRIMARY KEY (id, updated_at)) PARTITION BY RANGE (updated_at);
      CREATE TABLE payment_1 PARTITION OF payment DEFAULT;
      CREATE VIEW everyone AS SELECT * FROM users;
      INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 100) AS i;
      INSERT INTO payment SELECT i, '2026-01-01' FROM generate_series(1, 50) AS i;
      CREATE ROLE ${quoteIdentifier(reader)} LOGIN PASSWORD 'only-reads-1';
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${quoteIdentifier(reader)};
      ANALYZE`);
    await client.end();
    rig = await createRig({ 'pipelines.yaml': yaml });
    rig.env.SOURCE_URL = source.url;
    rig.env.WAREHOUSE_URL = sink.url;
  });
  after(async () => {
    await rig.cleanup();
    await source.drop();
    await sink.drop();
    const client = await (await testServer()).client();
    try {
      await client.query(`DROP ROLE IF EXISTS ${quoteIdentifier(reader)}`);
    } finally {
      await client.end();
    }
  });

  const schemasOf = async (database: TestDatabase): Promise<string[]> => {
    const client = await database.client();
    const { rows } = await client.query<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`);
    await client.end();
    return rows.map((row) => row.name);
  };

  test('a plan works with a role that can only read, on both sides, and writes nothing anywhere', async () => {
    const as = (url: string): string => {
      const other = new URL(url);
      other.username = reader;
      other.password = 'only-reads-1';
      return other.href;
    };
    rig.env.SOURCE_URL = as(source.url);
    rig.env.WAREHOUSE_URL = as(sink.url);
    try {
      const { code, stdout, stderr } = await rig.engine('plan', '--pipeline', 'whole', '--sql');
      assert.is(code, 0, stderr);
      assert.match(stdout, /> {3}extract payment/);
      assert.match(stdout, /~100 rows/);
      assert.not.match(stdout, /payment_1|everyone|country/);
    } finally {
      rig.env.SOURCE_URL = source.url;
      rig.env.WAREHOUSE_URL = sink.url;
    }
    assert.equal(await schemasOf(sink), ['information_schema', 'public']);
    assert.ok(!rig.exists('lake'));
  });

  test('a wildcard table without the cursor is shown at its place, exit 2', async () => {
    const { code, stderr } = await rig.engine('plan', '--pipeline', 'broken');
    assert.is(code, 2);
    assert.match(stderr, /pipelines\.yaml:\d+:14: error: `public\.country`.* has no column `updated_at` for its cursor/);
    assert.match(stderr, '~~~');
  });

  test('--json gives one document with next fires', async () => {
    const { code, documents } = await rig.json('plan', '--pipeline', 'changes');
    assert.is(code, 0);
    assert.is(documents.length, 1);
    const [plan] = documents as unknown as { schedules: { next: string[] }[]; nodes: { id: string }[] }[];
    assert.match(plan?.schedules[0]?.next[0] ?? '', /T12:00:00Z$/);
    assert.equal(
      plan?.nodes.map((node) => node.id),
      ['extract payment', 'load payment', 'extract users', 'load users'],
    );
  });

  test('a saved plan is run once, and refused with what moved the second time', async () => {
    assert.is((await rig.engine('plan', '--pipeline', 'whole', '--out', 'plan.json')).code, 0);
    const first = await rig.engine('run', '--plan', 'plan.json');
    assert.is(first.code, 0, first.stderr);
    const second = await rig.engine('run', '--plan', 'plan.json');
    assert.is(second.code, 4);
    assert.match(second.stderr, /out of date: table `payment`: the lake had nothing and has version 0, .*; table `users`: /);
  });

  test('state shows where each table stands in lake and staging', async () => {
    const { documents } = await rig.json('state', 'show');
    const [state] = documents as unknown as { tables: Record<string, unknown>[] }[];
    assert.equal(
      state?.tables.map(({ table, version, mode, rows, target, loaded, behind }) => ({
        table,
        version,
        mode,
        rows,
        target,
        loaded,
        behind,
      })),
      [
        { table: 'payment', version: 0, mode: 'full', rows: 50, target: 'staging.payment', loaded: 0, behind: false },
        { table: 'users', version: 0, mode: 'full', rows: 100, target: 'staging.users', loaded: 0, behind: false },
      ],
    );
    const text = await rig.engine('state', 'show', 'users');
    assert.match(text.stdout, /users +v0 +\d{4}-\S+Z +full +100 +\d{4}-\S+Z +v0/);
    assert.not.match(text.stdout, 'payment');
  });

  test('nobody is asked without a terminal: a watermark is changed with --yes only', async () => {
    const refused = await rig.engine('state', 'set', 'users', '2026-01-31T09:30:00Z');
    assert.is(refused.code, 4);
    assert.match(refused.stderr, 'more rows are read again');
    assert.match((await rig.engine('state', 'show', 'users')).stdout, /users +v0/);
    const done = await rig.engine('state', 'set', 'users', '2026-01-31T10:30:00.25+01:00', '--yes');
    assert.is(done.code, 0, done.stderr);
    assert.match(done.stdout, 'is 2026-01-31T09:30:00.250000Z; lake v1');
    assert.match((await rig.engine('state', 'show', 'users')).stdout, /users +v1 .* v0, up to date\n/);
    const plan = await rig.engine('plan', '--pipeline', 'changes', '--table', 'users');
    assert.match(plan.stdout, 'the last fence 2026-01-31T09:30:00.250000Z less 10 s');
  });

  test('moving forward says which rows are missed, and a reset takes everything again without harm', async () => {
    const forward = await rig.engine('state', 'set', 'users', '2026-02-01T00:00:00Z');
    assert.is(forward.code, 4);
    assert.match(forward.stderr, 'rows that changed between 2026-01-31T09:30:00.250000Z and 2026-02-01T00:00:00.000000Z');
    assert.is((await rig.engine('state', 'reset', 'users', '--yes')).code, 0);
    const again = await rig.engine('run', '--pipeline', 'changes');
    assert.is(again.code, 0, again.stderr);
    assert.match(again.stderr, /load users: 100 in: 0 new, 0 changed, 100 the same/);
  });

  test('wrong words of state are exit 2, each with what to write', async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['shwo'], 'Did you mean `engine state show`?'],
      [['show', 'user'], 'Did you mean users?'],
      [['set', 'users'], 'takes a table and a time'],
      [['set', 'users', '2026-01-31T09:30:00'], 'no time with its zone'],
      [['set', 'users', '2999-01-01T00:00:00Z'], 'in the future'],
      [['reset'], 'takes the names of tables'],
    ];
    for (const [words, text] of cases) {
      const { code, stderr } = await rig.engine('state', ...words, '--yes');
      assert.is(code, 2, `${words.join(' ')}: ${stderr}`);
      assert.match(stderr, text);
    }
  });

  test('doctor is exit 0 with warnings only, 3 for what a run would fail on, and gives one document', async () => {
    const failing = await rig.engine('doctor');
    assert.is(failing.code, 3);
    assert.match(failing.stdout, /pipeline broken\n {2}FAIL {2}tables: `public\.country`/);
    rig.write('pipelines.yaml', yaml.slice(0, yaml.indexOf('  broken:')));
    const { code, documents } = await rig.json('doctor');
    assert.is(code, 0);
    const [found] = documents as unknown as {
      ok: boolean;
      checks: { part: string; subject: string; outcome: string; message: string }[];
    }[];
    assert.is(found?.ok, true);
    assert.ok(found?.checks.some((one) => one.subject === 'public.users' && one.message.includes('no index begins with its cursor')));
  });

  test('doctor goes on where one server refuses, and shows no password', async () => {
    rig.env.WAREHOUSE_URL = sink.url.replace(/:\/\/engine:[^@]*@/, '://engine:wrong-pw-55@');
    try {
      const broken = await rig.engine('doctor');
      assert.is(broken.code, 3);
      assert.match(broken.stdout, /sink warehouse\n {2}FAIL {2}server: /);
      assert.match(broken.stdout, 'ok    server: PostgreSQL');
      assert.not.match(broken.stdout + broken.stderr, 'wrong-pw-55');
    } finally {
      rig.env.WAREHOUSE_URL = sink.url;
    }
  });
});
