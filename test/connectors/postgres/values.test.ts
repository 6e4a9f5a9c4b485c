import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { EngineError } from '../../../engine/error.ts';
import { readTable } from '../../../lake/log.ts';
import { debianServer, openClusters, type TestClusters } from '../../support/cluster.ts';
import { differenceOf } from '../../support/compare.ts';
import { type DeltaTable, readDelta } from '../../support/deltalake.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { type RefusedValue, valuesPage } from '../../support/values-page.ts';
import { misfits, type ZooType, zooSql, zooTypes } from '../../support/zoo.ts';

const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'values.md');
const zoo = { schema: 'public', name: 'zoo' };
const staged = { schema: 'staging', name: 'zoo' };
const zooTable = tableConfig('zoo', { key: ['id'], lookbackMs: 3_600_000 });

async function fill(client: pg.Client, types: readonly ZooType[]): Promise<void> {
  for (const statement of zooSql(types)) await client.query(statement);
}

async function through(on: NodeRig): Promise<void> {
  const [one] = await on.extract('full', [zooTable]);
  if (one === undefined) throw new Error('nothing was extracted');
  factsOf(one.outcome);
  factsOf(await on.load('full', zooTable));
}

/** `format_type` of each column, by its name. */
async function typesOf(client: pg.Client, table: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
    [table],
  );
  return new Map(rows.map((r) => [r.name, r.type]));
}

async function assertSame(from: pg.Client, to: pg.Client): Promise<void> {
  await from.query("SET search_path = ''");
  await to.query("SET search_path = ''");
  const difference = await differenceOf(from, zoo, to, staged);
  assert.equal([difference.onlyLeft, difference.onlyRight], [[], []]);
  assert.ok(difference.rows > 20);
}

/** A value as delta-rs gives it and Postgres's text of the same one, brought into one form. */
function plain(lakeType: string, value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  const text = String(value);
  if (lakeType === 'float' || lakeType === 'double') {
    const number = Number(text.replace(/^(-?)inf(inity)?$/i, '$1Infinity'));
    return Object.is(number, -0) ? '-0' : lakeType === 'float' ? Math.fround(number) : number;
  }
  if (lakeType.startsWith('timestamp'))
    return text
      .replace('T', ' ')
      .replace('+00:00', '+00')
      .replace(/(\.\d*?)0+(?=\+|$)/, '$1');
  if (lakeType === 'binary') return text.replace(/^\\x/, '');
  return text;
}

suite('values on their way', ({ test, before, after }) => {
  let db: TestDatabase;
  let elsewhere: TestDatabase;
  let client: pg.Client;
  let to: pg.Client;
  let rig: NodeRig;
  let far: NodeRig;
  const types = zooTypes(180_000);
  let delta: DeltaTable | undefined;
  const refused: RefusedValue[] = [];

  before(async () => {
    db = await freshDatabase('values');
    elsewhere = await freshDatabase('values_dw');
    client = await db.client();
    to = await elsewhere.client();
    await fill(client, types);
    await client.query(
      `CREATE TABLE public.misfits ("Id" integer PRIMARY KEY, ${misfits.map((m, i) => `m${i} ${m.type.replace('public.', '')}`).join(', ')})`.replaceAll(
        /\bstamp\b/g,
        'public.stamp',
      ),
    );
    await client.query(`INSERT INTO public.misfits VALUES (7, ${misfits.map((m) => `(${m.value})::${m.type}`).join(', ')})`);
    rig = await nodeRig({ source: db.url });
    far = await nodeRig({ source: db.url, sink: elsewhere.url });
  });
  after(async () => {
    await rig?.close();
    await far?.close();
    await db.drop();
    await elsewhere.drop();
  });

  test('every type with the values at its edges ends in staging as it is in the source, with the same type where its values do not point into the catalog', async () => {
    await through(rig);
    await assertSame(client, client);
    const [source, staging] = [await typesOf(client, 'public.zoo'), await typesOf(client, 'staging.zoo')];
    for (const [i, { type }] of types.entries())
      assert.is(staging.get(`t${i}`), /^(reg|aclitem|pg_node_tree)/.test(type) ? 'text' : source.get(`t${i}`), type);
  });

  test('a warehouse that lacks enums, domains, composites, extensions and the tables that a regclass names takes the same text', async () => {
    await through(far);
    await assertSame(client, to);
    const elsewhereTypes = await typesOf(to, 'staging.zoo');
    for (const [type, taken] of [
      ['public.mood', 'text'],
      ['public.mood[]', 'text[]'],
      ['public.price', 'numeric(10,2)'],
      ['public.numbers', 'integer[]'],
      ['public.good_pair', 'text'],
      ['public.hstore', 'text'],
      ['public.nest', 'text'],
      ['public.padded', 'character(6)'],
      ['regclass', 'text'],
      ['int2vector', 'int2vector'],
    ])
      assert.is(elsewhereTypes.get(`t${types.findIndex((t) => t.type === type)}`), taken, type);
  });

  test('delta-rs, which shares no code with the engine, reads the same values from the lake', async () => {
    delta = await readDelta(join(rig.folder, 'lake', 'zoo'), 'SELECT * FROM t ORDER BY id');
    const lakeTypes = new Map(delta.fields.map((f) => [f.name, f.type]));
    for (const [i, { type }] of types.entries()) {
      const lakeType = lakeTypes.get(`t${i}`) ?? '';
      // A cast from inet to text adds the mask, one from character(n) takes the padding away.
      const shown = /^(inet|boolean)/.test(type) ? `t${i}::text` : `format('%s', t${i})`;
      const { rows } = await client.query(`SELECT CASE WHEN num_nonnulls(t${i}) = 1 THEN ${shown} END AS v FROM public.zoo ORDER BY id`);
      assert.equal(
        delta.rows.map((r) => plain(lakeType, r[`t${i}`])),
        rows.map((r) => plain(lakeType, r.v)),
        `${type} as ${lakeType}`,
      );
    }
  });

  test('the same rows merged again are not rewritten, whatever their type', async () => {
    const [again] = await rig.extract('incremental', [zooTable]);
    if (again === undefined) throw new Error('nothing was extracted');
    const rows = factsOf(again.outcome).rows;
    assert.ok(Number(rows) > 20);
    const then = (await client.query('SELECT id, xmin::text FROM staging.zoo ORDER BY id')).rows;
    const merged = factsOf(await rig.load('incremental', zooTable));
    assert.equal([merged.inserted, merged.updated, merged.unchanged], [0, 0, rows]);
    assert.equal((await client.query('SELECT id, xmin::text FROM staging.zoo ORDER BY id')).rows, then);
  });

  test('a value that the lake cannot hold fails by column, key and value with nothing committed; as a string it comes back in the type of the source', async () => {
    for (const [i, misfit] of misfits.entries()) {
      const columns = { include: ['Id', `m${i}`], exclude: [], rename: {}, types: {}, mask: {} };
      const table = tableConfig('misfits', { columns });
      const [one] = await rig.extract('full', [table]);
      if (one?.outcome.kind !== 'failed') throw new Error(`${misfit.type} ${misfit.value} was taken`);
      const { code, message, hint } = one.outcome.error;
      assert.is(code, 'extract.misfit', message);
      assert.ok(message.includes(`column "m${i}" of the row with Id = 7: ${misfit.shown}`), message);
      assert.ok(hint?.includes(`types: {`), hint);
    }
    assert.is((await readTable(rig.lake, 'misfits')).version, -1);
    const types = Object.fromEntries(misfits.map((_, i) => [`m${i}`, 'string' as const]));
    const table = tableConfig('misfits', { columns: { include: undefined, exclude: [], rename: {}, types, mask: {} } });
    const [taken] = await rig.extract('full', [table]);
    if (taken === undefined) throw new Error('nothing was extracted');
    factsOf(taken.outcome);
    factsOf(await rig.load('full', table));
    for (const [i, { type, shown }] of misfits.entries()) {
      const { rows } = await client.query(
        `SELECT m${i}::text AS v, pg_typeof(m${i})::text = (SELECT pg_typeof(m${i})::text FROM public.misfits) AS same FROM staging.misfits`,
      );
      assert.equal(rows, [{ v: shown, same: true }], type);
      refused.push({ type, value: shown, byDefault: 'fails: `extract.misfit`', asString: 'unchanged' });
    }
  });

  if (process.env.TEST_ONLY === undefined)
    test('docs/values.md is what these tests found', async () => {
      const [source, staging, other] = [
        await typesOf(client, 'public.zoo'),
        await typesOf(client, 'staging.zoo'),
        await typesOf(to, 'staging.zoo'),
      ];
      const { rows } = await client.query(
        `SELECT ${types.map((_, i) => `format('%s', t${i}) AS t${i}`).join(', ')} FROM public.zoo WHERE id = 0`,
      );
      const made = valuesPage(
        types.map(({ group, values }, i) => ({
          group,
          type: source.get(`t${i}`) ?? '',
          example: rows[0][`t${i}`],
          values: values.length,
          lake: delta?.fields.find((f) => f.name === `t${i}`)?.type ?? '',
          staging: staging.get(`t${i}`) ?? '',
          elsewhere: other.get(`t${i}`) ?? '',
          outcome: 'unchanged',
        })),
        refused,
      );
      if (process.env.UPDATE_DOCS === '1') writeFileSync(page, made);
      assert.is(readFileSync(page, 'utf8'), made, 'run it with UPDATE_DOCS=1 and look at the difference');
    });
});

suite('values of an older server', ({ test, before, after, skip }) => {
  const name = 'every type of a Postgres of Debian ends in an embedded warehouse as it is there';
  const programs = debianServer();
  if (programs === undefined) return skip(name, 'no Postgres under /usr/lib/postgresql');
  let clusters: TestClusters | undefined;
  let warehouse: TestDatabase;
  before(async () => {
    clusters = await openClusters();
    warehouse = await freshDatabase('values_old');
  });
  after(async () => {
    await clusters?.close();
    await warehouse.drop();
  });

  test(name, async () => {
    if (clusters === undefined) throw new Error('no clusters');
    const cluster = await clusters.create('old', {}, programs);
    const from = await cluster.client();
    const to = await warehouse.client();
    let rig: NodeRig | undefined;
    try {
      const { rows } = await from.query("SELECT current_setting('server_version_num')::int AS version");
      assert.ok(rows[0].version < 180_000);
      await fill(from, zooTypes(rows[0].version));
      rig = await nodeRig({ source: cluster.url(), sink: warehouse.url });
      await through(rig);
      await assertSame(from, to);
      await rig.close();
      // And back on the same server, whose own types staging then has.
      rig = await nodeRig({ source: cluster.url() });
      await through(rig);
      await assertSame(from, from);
    } catch (error) {
      if (error instanceof EngineError) throw new Error(`${error.code}: ${error.message}`);
      throw error;
    } finally {
      await rig?.close();
      await from.end();
    }
  });
});
