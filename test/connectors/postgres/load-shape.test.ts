import * as assert from 'uvu/assert';
import { lakeFields } from '../../../lake/schema.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig, refusal } from './load-rig.ts';

const rows = `SELECT i::BIGINT AS id, 'x' AS v FROM range(3) r(i)`;
const id = { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' };
const v = { name: 'v', type: 'string', postgresType: 'text', baseType: 'text' };
const times = `_extracted_at timestamptz NOT NULL, _loaded_at timestamptz NOT NULL DEFAULT now()`;

suite('the shape of staging', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_shape');
    await rig.client.query('CREATE SCHEMA staging');
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  for (const [title, table, code, sql] of [
    [
      'a partitioned table',
      'parted',
      'load.partitioned',
      `CREATE TABLE staging.parted (id bigint, v text, ${times}) PARTITION BY RANGE (id)`,
    ],
    ['a view', 'a_view', 'load.no-table', 'CREATE VIEW staging.a_view AS SELECT 1 AS id'],
    [
      'a table that the engine did not make',
      'foreign_made',
      'load.not-staging',
      'CREATE TABLE staging.foreign_made (id bigint PRIMARY KEY, v text); INSERT INTO staging.foreign_made VALUES (7)',
    ],
    [
      'a table that a foreign key points to',
      'pointed_at',
      'load.referenced',
      `CREATE TABLE staging.pointed_at (id bigint PRIMARY KEY, v text, ${times}); CREATE TABLE staging.child (id bigint REFERENCES staging.pointed_at)`,
    ],
    [
      'a table without a unique index on the key',
      'unkeyed',
      'load.no-unique-key',
      `CREATE TABLE staging.unkeyed (id bigint, v text, ${times})`,
    ],
    [
      'a table whose key index cannot be used by a merge',
      'late_key',
      'load.no-unique-key',
      `CREATE TABLE staging.late_key (id bigint PRIMARY KEY DEFERRABLE, v text, ${times}); CREATE UNIQUE INDEX ON staging.late_key (id) WHERE id > 5`,
    ],
    ['a column of another type', 'typed', 'load.type-changed', `CREATE TABLE staging.typed (id bigint PRIMARY KEY, v integer, ${times})`],
    [
      'a column that the lake has not',
      'wide',
      'load.column-vanished',
      `CREATE TABLE staging.wide (id bigint PRIMARY KEY, v text, more text, ${times})`,
    ],
  ] as const)
    test(`${title} is refused before anything is touched, and the plan says so`, async () => {
      await rig.client.query(sql);
      await shop.write(table, { mode: 'full', rows });
      const error = await refusal(rig.full({ table }));
      assert.is(error.code, code);
      assert.is(error.trouble, 'refused');
      assert.ok((error.hint ?? '').length > 10);
      const plan = await rig.plan('full', { table });
      assert.equal([plan.action, plan.summary], ['refused', error.message]);
      assert.equal(await rig.rows(`SELECT count(*) FROM engine.loads WHERE target_table = '${table}'`), [['0']]);
    });

  test('a table that a foreign key points to may still be merged into', async () => {
    await rig.client.query(`CREATE TABLE staging.merged_into (id bigint PRIMARY KEY, v text, ${times})`);
    await shop.write('merged_into', { mode: 'full', rows });
    await rig.full({ table: 'merged_into' });
    await rig.client.query('CREATE TABLE staging.points (id bigint REFERENCES staging.merged_into)');
    await shop.write('merged_into', { rows: `SELECT 9::BIGINT AS id, 'y' AS v` });
    assert.is((await rig.incremental({ table: 'merged_into' })).facts.inserted, 1);
  });

  test('a load says what it was given and what it made of its table', async () => {
    await shop.write('told', { mode: 'full', rows });
    const made = (await rig.full({ table: 'told' })).facts;
    assert.equal(
      [made.into, made.files, made.created, made.columnsAdded, made.rowsBefore],
      ['staging.told', 1, true, undefined, undefined],
    );
    await rig.client.query('ALTER TABLE staging.told DROP COLUMN v; ANALYZE staging.told');
    await shop.write('told', { mode: 'full', rows });
    const again = (await rig.full({ table: 'told' })).facts;
    assert.equal([again.created, again.columnsAdded, again.rowsBefore, again.replaced], [undefined, ['v'], made.rows, true]);
  });

  test('generated columns and indexes that somebody added are left alone', async () => {
    await rig.client.query(
      `CREATE TABLE staging.helped (id bigint PRIMARY KEY, v text, upper_v text GENERATED ALWAYS AS (upper(v)) STORED, ${times})`,
    );
    await shop.write('helped', { mode: 'full', rows });
    await rig.full({ table: 'helped' });
    await shop.write('helped', { rows: `SELECT 1::BIGINT AS id, 'y' AS v` });
    await rig.incremental({ table: 'helped' });
    assert.equal(await rig.rows('SELECT id, upper_v FROM staging.helped ORDER BY id'), [
      ['0', 'X'],
      ['1', 'Y'],
      ['2', 'X'],
    ]);
  });

  test('a table of many columns with odd names is made, filled and merged', async () => {
    const odd = lakeFields([id, ...Array.from({ length: 100 }, (_, i) => ({ ...v, name: `Col "${i}", é;=` }))]);
    const list = odd.slice(1, -2).map((f, i) => `'v${i}' || n AS "${f.name.replaceAll('"', '""')}"`);
    const select = (n: string): string => `SELECT i::BIGINT AS id, ${list.join(', ')} FROM (SELECT i, ${n} AS n FROM range(50) r(i))`;
    await shop.write('broad', { mode: 'full', fields: odd, rows: select("'a'") });
    await rig.full({ table: 'broad' });
    await shop.write('broad', { fields: odd, rows: select("CASE WHEN i < 5 THEN 'b' ELSE 'a' END") });
    const done = await rig.incremental({ table: 'broad' });
    assert.equal([done.facts.updated, done.facts.unchanged], [5, 45]);
    assert.equal(await rig.rows(`SELECT count(*) FROM staging.broad WHERE "Col ""99"", é;=" = 'v99b'`), [['5']]);
  });
});

suite('the plan of a load', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  let readerUrl: string;
  const role = `load_reader_${process.pid}`;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_plan');
    await rig.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`);
    const url = new URL(rig.db.url);
    readerUrl = `postgresql://${role}:reader@${url.host}${url.pathname}?sslmode=disable`;
  });
  after(async () => {
    await rig.client.query(`DROP OWNED BY ${role}`);
    await rig.client.query(`DROP ROLE ${role}`);
    await rig.close();
    await shop.close();
  });

  test('it works with a role that can only read, on a database where nothing is there, and makes nothing', async () => {
    await shop.write('t', { mode: 'full', rows });
    const plan = await rig.plan('full', { url: readerUrl });
    assert.equal([plan.action, plan.moves, plan.rowsEstimate], ['create', true, 3]);
    assert.ok(plan.details.some((d) => d.startsWith('waits in the lake: v0, full, 1 file, 3 rows')));
    assert.ok(plan.sql.some((s) => s.includes('CREATE TABLE "staging"."t"')) && plan.sql.some((s) => s.includes('FREEZE')));
    assert.equal(await rig.rows(`SELECT count(*) FROM pg_namespace WHERE nspname IN ('staging', 'engine')`), [['0']]);
    assert.is((await rig.plan('full', { table: 'unheard_of', url: readerUrl })).action, 'nothing');
  });

  test('it tells what waits, what is destroyed and which locks, and nothing when nothing is new', async () => {
    await rig.full();
    const idle = await rig.plan('full');
    assert.equal([idle.action, idle.moves, idle.summary], ['nothing', false, 'staging.t is at lake v0: nothing to load']);
    await shop.write('t', { rows });
    const merge = await rig.plan('incremental');
    assert.is(merge.action, 'merge');
    assert.ok(merge.details.some((d) => d.includes('ROW EXCLUSIVE')) && merge.sql.some((s) => s.includes('ON CONFLICT')));
    await shop.write('t', { mode: 'full', rows });
    const replace = await rig.plan('full');
    assert.is(replace.action, 'replace');
    assert.ok(replace.details.some((d) => d.includes('ACCESS EXCLUSIVE')) && replace.sql.includes('TRUNCATE TABLE ONLY "staging"."t"'));
    const destroyed = await rig.plan('full', { node: 'truncate' });
    assert.is(destroyed.summary, 'staging.t: ~3 rows are replaced');
    assert.equal(replace.pins, destroyed.pins);
  });

  test('it counts what the extract before it will bring', async () => {
    await rig.full();
    const extract = { action: 'read', summary: '', details: [], warnings: [], rowsEstimate: 70, moves: true, sql: [], pins: {} } as const;
    const earlier = new Map([['extract t', extract]]);
    assert.equal([(await rig.plan('full', { earlier })).action, (await rig.plan('full', { earlier })).rowsEstimate], ['replace', 70]);
    const merge = await rig.plan('incremental', { earlier });
    assert.equal([merge.action, merge.rowsEstimate, merge.moves], ['merge', 70, true]);
  });

  test('a role that may not read the ledger is told so', async () => {
    await rig.client.query(`GRANT USAGE ON SCHEMA staging TO ${role}`);
    const plan = await rig.plan('full', { url: readerUrl });
    assert.ok(
      plan.warnings.some((w) => w.includes('engine.loads')),
      JSON.stringify(plan),
    );
  });

  test('a lacking type is told', async () => {
    const odd = lakeFields([id, { ...v, postgresType: 'public.nowhere' }]);
    await shop.write('lacks', { mode: 'full', fields: odd, rows });
    const plan = await rig.plan('full', { table: 'lacks' });
    assert.equal(plan.warnings, ['staging cannot have a type of the source; v: public.nowhere becomes text']);
  });
});
