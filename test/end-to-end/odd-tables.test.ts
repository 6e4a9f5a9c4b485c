import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../support/compare.ts';
import { readDelta, storageOptions } from '../support/deltalake.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Outcome, type Rig } from '../support/rig.ts';
import { missingS3, type S3Server, startS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { zooSql, zooTypes } from '../support/zoo.ts';

const allTypes = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'all_pg_types.sql');
const missing = await missingS3('versitygw');

const yaml = (lake: string): string => `
version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: ${lake}
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at, retries: { attempts: 1 } }
pipelines:
  everything: { mode: full, tables: ["public.*"] }
  changed: { mode: incremental, tables: ["public.*"] }
`;

interface World {
  readonly source: TestDatabase;
  readonly from: pg.Client;
  readonly to: pg.Client;
  readonly rig: Rig;
  run(...args: readonly string[]): Promise<Outcome>;
  /** Fails unless the next run is green and the table is the same on either side; says how many rows it has. */
  rowsOf(table: string): Promise<number>;
  close(): Promise<void>;
}

async function openWorld(lake = '{ type: file, path: lake }', env: Readonly<Record<string, string>> = {}): Promise<World> {
  const source = await freshDatabase('odd');
  const warehouse = await freshDatabase('odd_dw');
  const [from, to] = [await source.client(), await warehouse.client()];
  const rig = await createRig({ 'pipelines.yaml': yaml(lake) });
  Object.assign(rig.env, env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  return {
    source,
    from,
    to,
    rig,
    run: (...args) => rig.engine('run', ...args),
    async rowsOf(name) {
      const difference = await differenceOf(from, { schema: 'public', name }, to, { schema: 'staging', name });
      assert.equal([name, difference.onlyLeft.slice(0, 3), difference.onlyRight.slice(0, 3)], [name, [], []]);
      return difference.rows;
    },
    async close() {
      await rig.cleanup();
      await source.drop();
      await warehouse.drop();
    },
  };
}

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = await openWorld();
  try {
    await body(world);
  } finally {
    await world.close();
  }
}

async function isGreen(world: World, pipeline: string): Promise<void> {
  const { code, stdout, stderr } = await world.run('--pipeline', pipeline);
  assert.is(code, 0, `${stdout}\n${stderr}`);
}

const updated = 'updated_at timestamptz NOT NULL DEFAULT now()';

suite('odd tables', ({ test }) => {
  test('no rows, no key, generated, identity and dropped columns: each arrives as it is, and stays so when it changes', () =>
    inWorld(async (world) => {
      const { from } = world;
      await from.query(`
        CREATE TABLE no_rows (id int PRIMARY KEY, v text, ${updated});
        CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, stored int GENERATED ALWAYS AS (a * 2) STORED, computed int GENERATED ALWAYS AS (a + 1) VIRTUAL, ${updated});
        INSERT INTO generated (a) SELECT g FROM generate_series(1, 10) g;
        CREATE TABLE dropped (gone int, id int PRIMARY KEY, also_gone text, v text, ${updated});
        INSERT INTO dropped SELECT g, g, 'x', 'v' || g FROM generate_series(1, 10) g;
        ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN also_gone;
        CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, ${updated}); INSERT INTO unlogged SELECT generate_series(1, 5)`);
      await isGreen(world, 'everything');
      assert.is(await world.rowsOf('no_rows'), 0);
      assert.is(await world.rowsOf('generated'), 10);
      assert.is(await world.rowsOf('dropped'), 10);
      assert.is(await world.rowsOf('unlogged'), 5);
      await from.query(`
        INSERT INTO no_rows VALUES (1, 'first'); UPDATE generated SET a = a * 10, updated_at = now() WHERE id < 4;
        UPDATE dropped SET v = 'new', updated_at = now() WHERE id = 3; ALTER TABLE dropped ADD COLUMN more text`);
      await isGreen(world, 'changed');
      assert.is(await world.rowsOf('no_rows'), 1);
      assert.is(await world.rowsOf('generated'), 10);
      assert.is(await world.rowsOf('dropped'), 10);
      const kinds = await world.to.query(
        `SELECT attgenerated::text AS g, attidentity::text AS i FROM pg_attribute WHERE attrelid = 'staging.generated'::regclass AND attnum > 0`,
      );
      assert.ok(
        kinds.rows.every((r) => r.g === '' && r.i === ''),
        'they are plain columns in staging',
      );
      await from.query(`CREATE TABLE no_key (v text, ${updated}); INSERT INTO no_key VALUES ('a'), ('a'), ('b')`);
      await isGreen(world, 'everything');
      assert.is(await world.rowsOf('no_key'), 3);
      const refused = await world.run('--pipeline', 'changed');
      assert.is(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, /no_key/);
      assert.match(refused.stderr, /mode.*full|load: append/, 'and the way out');
    }));

  test('a table without columns is taken with its rows in number', () =>
    inWorld(async (world) => {
      await world.from.query('CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES');
      await isGreen(world, 'everything');
      const { rows } = await world.to.query<{ n: number }>('SELECT count(*)::int AS n FROM staging.nothing');
      assert.is(rows[0]?.n, 2);
    }));

  test('partitioned and inherited parents, views, materialized views and foreign tables are read as one reads them in SQL', () =>
    inWorld(async (world) => {
      const { from, source } = world;
      const { port, user, password, database } = source.parameters;
      await from.query(`
        CREATE TABLE parted (id int, k text, v text, ${updated}, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
        CREATE TABLE parted_b (v text, k text NOT NULL, dead int, updated_at timestamptz NOT NULL DEFAULT now(), id int NOT NULL);
        ALTER TABLE parted_b DROP COLUMN dead; ALTER TABLE parted ATTACH PARTITION parted_b FOR VALUES IN ('b');
        CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
        INSERT INTO parted SELECT g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END, 'v' || g FROM generate_series(1, 50) g;
        CREATE TABLE parent (id int PRIMARY KEY, v text, ${updated}); CREATE TABLE child (extra int) INHERITS (parent);
        INSERT INTO parent VALUES (1, 'p'); INSERT INTO child (id, v, extra) VALUES (2, 'c', 7);
        CREATE VIEW seen AS SELECT id, v, updated_at FROM parent; CREATE MATERIALIZED VIEW kept AS SELECT id, v FROM parent;
        CREATE SCHEMA far; CREATE TABLE far.away (id int PRIMARY KEY, v text, ${updated}); INSERT INTO far.away SELECT g, 'f' || g FROM generate_series(1, 20) g;
        CREATE EXTENSION postgres_fdw;
        CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname '${database}');
        CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '${user}', password '${password ?? ''}');
        CREATE FOREIGN TABLE foreign_rows (id int, v text, updated_at timestamptz) SERVER here OPTIONS (schema_name 'far', table_name 'away')`);
      const all = ['parted', 'parent', 'seen', 'kept', 'foreign_rows'];
      world.rig.write(
        'pipelines.yaml',
        `${yaml('{ type: file, path: lake }')}  named: { mode: full, tables: [${all.join(', ')}] }\ntables: { ${all.map((name) => `${name}: {}`).join(', ')} }\n`,
      );
      await isGreen(world, 'named');
      for (const [table, rows] of [
        ['parted', 50],
        ['parent', 2],
        ['seen', 2],
        ['kept', 2],
        ['foreign_rows', 20],
      ] as const)
        assert.is(await world.rowsOf(table), rows, table);
      const parts = await world.to.query(`SELECT to_regclass('staging.parted_a') AS a, to_regclass('staging.child') AS c`);
      assert.equal(parts.rows[0]?.a, null, 'its partitions are no tables of their own');
      await from.query(
        `UPDATE parted SET k = 'a', v = 'moved', updated_at = now() WHERE id = 2; UPDATE child SET v = 'changed', updated_at = now()`,
      );
      await isGreen(world, 'named');
      assert.is(await world.rowsOf('parted'), 50);
      assert.is(await world.rowsOf('parent'), 2);
    }));

  test('a temporary table is not there for anybody else', () =>
    inWorld(async (world) => {
      await world.from.query('CREATE TABLE there (id int PRIMARY KEY); CREATE TEMPORARY TABLE fleeting (id int)');
      const yamlText = world.rig
        .read('pipelines.yaml')
        .replace('pipelines:', 'tables: { fleeting: { key: id } }\npipelines:\n  one: { mode: full, tables: [fleeting] }');
      world.rig.write('pipelines.yaml', yamlText);
      const { code, stderr } = await world.run('--pipeline', 'one');
      assert.ok(code === 1 || code === 2 || code === 3, stderr);
      assert.match(stderr, /fleeting/);
      assert.match(stderr, /what to do: /);
    }));

  test('rows that a policy hides are an error, not an absence', () =>
    inWorld(async (world) => {
      const role = `hidden_${world.source.name}`;
      await world.from.query(`
        CREATE TABLE secret (id int PRIMARY KEY, who text); INSERT INTO secret VALUES (1, 'mine'), (2, 'theirs');
        ALTER TABLE secret ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON secret USING (who = 'mine');
        CREATE ROLE ${role} LOGIN PASSWORD 'reads'; GRANT SELECT ON secret TO ${role}`);
      world.rig.env.SOURCE_URL = Object.assign(new URL(world.source.url), { username: role, password: 'reads' }).href;
      const { code, stderr } = await world.run('--pipeline', 'everything');
      assert.is(code, 3, stderr);
      assert.match(stderr, /row-level security/);
      assert.match(stderr, /what to do: /);
      assert.is(existsSync(join(world.rig.root, 'lake', 'secret', '_delta_log', '00000000000000000000.json')), false);
      await world.from.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }));

  test('a table of 1,590 columns goes through in full and by merge', () =>
    inWorld(async (world) => {
      const names = Array.from({ length: 1588 }, (_, i) => `c${i}`);
      await world.from.query(
        `CREATE TABLE broad (id int PRIMARY KEY, ${names.map((n, i) => `${n} ${i % 3 === 0 ? 'int' : i % 3 === 1 ? 'boolean' : 'smallint'}`).join(', ')}, ${updated})`,
      );
      await world.from.query(`INSERT INTO broad (id, c0, c1, c2, c1587) SELECT g, g, g % 2 = 0, g % 100, 1 FROM generate_series(1, 200) g`);
      await isGreen(world, 'everything');
      assert.is(await world.rowsOf('broad'), 200);
      await world.from.query('UPDATE broad SET c3 = id, c1585 = NULL, updated_at = now() WHERE id <= 20');
      await isGreen(world, 'changed');
      assert.is(await world.rowsOf('broad'), 200);
    }));
});

suite('a table of each family of types', ({ test, skip }) => {
  if (!existsSync(allTypes)) return skip('all of them go through unchanged', 'no ../shared/data');
  test('all of them go through unchanged, and delta-rs reads every one', () =>
    inWorld(async (world) => {
      await world.from.query(readFileSync(allTypes, 'utf8'));
      const { rows } = await world.from.query<{ name: string }>(
        `SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
      );
      assert.ok(rows.length >= 20);
      await isGreen(world, 'everything');
      for (const { name } of rows) {
        const count = await world.rowsOf(name);
        const read = await readDelta(join(world.rig.root, 'lake', name), 'SELECT count(*) AS n FROM t');
        assert.is(read.rows[0]?.n, count, name);
      }
    }));
});

suite('every type on S3', ({ test, skip, before, after }) => {
  if (missing !== undefined) return skip('the zoo of values', missing);
  let server: S3Server;
  let world: World;
  before(async () => {
    server = await startS3('versitygw');
    world = await openWorld(
      JSON.stringify({ type: 's3', bucket: server.bucket, region: server.region, endpoint: server.endpoint }),
      server.env,
    );
  });
  after(async () => {
    await world?.close();
    await server?.close();
  });

  test('the zoo of values goes through a bucket unchanged, and delta-rs reads it there', async () => {
    for (const statement of zooSql(zooTypes(180_000))) await world.from.query(statement);
    await world.from.query("SET search_path = ''");
    world.rig.write('pipelines.yaml', world.rig.read('pipelines.yaml').replaceAll('public.*', 'public.zo*'));
    await isGreen(world, 'everything');
    const count = await world.rowsOf('zoo');
    assert.ok(count > 20);
    const read = await readDelta(`s3://${server.bucket}/zoo`, 'SELECT count(*) AS n FROM t', 'nothing', storageOptions(server));
    assert.is(read.rows[0]?.n, count);
  });
});
