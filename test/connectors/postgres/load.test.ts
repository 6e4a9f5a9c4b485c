import { rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { readTable } from '../../../lake/log.ts';
import { lakeFields } from '../../../lake/schema.ts';
import { at, openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig, refusal } from './load-rig.ts';

const rowsOf = (from: number, to: number, text: string): string =>
  `SELECT i::BIGINT AS id, '${text} ' || i AS v FROM range(${from}, ${to}) r(i)`;

const columns = [
  { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
  { name: 'v', type: 'string', postgresType: 'text', baseType: 'text' },
];

suite('postgres.truncate and postgres.load', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load');
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  const staging = (table: string): Promise<readonly (readonly (string | null)[])[]> =>
    rig.rows(`SELECT id, v FROM staging.${table} ORDER BY id`);

  test('a first full load makes staging with types, key and times, and a ledger row', async () => {
    await shop.write('first', { mode: 'full', rows: rowsOf(1, 4, 'one') });
    const done = await rig.full({ table: 'first' });
    assert.is(done.summary, '3 in, replacing all; lake v0');
    assert.equal(await staging('first'), [
      ['1', 'one 1'],
      ['2', 'one 2'],
      ['3', 'one 3'],
    ]);
    const made = await rig.rows(
      `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'staging.first'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    assert.equal(made, [
      ['id', 'bigint', 'true'],
      ['v', 'text', 'false'],
      ['_extracted_at', 'timestamp with time zone', 'true'],
      ['_loaded_at', 'timestamp with time zone', 'true'],
    ]);
    assert.equal(await rig.rows(`SELECT version, mode, rows, inserted, run FROM engine.loads WHERE target_table = 'first'`), [
      ['0', 'full', '3', '3', 'load-run-1'],
    ]);
    assert.equal(await rig.rows(`SELECT DISTINCT to_char(_extracted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM staging.first`), [[at(1)]]);
  });

  test('the same again changes nothing', async () => {
    const before = await rig.rows('SELECT id, xmin, ctid FROM staging.first ORDER BY id');
    const done = await rig.full({ table: 'first' });
    assert.is(done.summary, 'nothing new; lake v0');
    assert.equal(await rig.rows('SELECT id, xmin, ctid FROM staging.first ORDER BY id'), before);
  });

  test('a merge inserts what is new, updates what changed and leaves the rest untouched', async () => {
    const before = await rig.rows('SELECT id, xmin FROM staging.first WHERE id = 1');
    await shop.write('first', { rows: `SELECT * FROM (VALUES (1::BIGINT, 'one 1'), (2, 'two 2'), (9, NULL)) AS r(id, v)` });
    const done = await rig.incremental({ table: 'first' });
    assert.is(done.summary, '3 in: 1 new, 1 changed, 1 the same; lake v1');
    assert.equal(await staging('first'), [
      ['1', 'one 1'],
      ['2', 'two 2'],
      ['3', 'one 3'],
      ['9', null],
    ]);
    assert.equal(await rig.rows('SELECT id, xmin FROM staging.first WHERE id = 1'), before);
  });

  test('versions are loaded in order, and the newest full one makes those before it needless', async () => {
    await shop.write('order', { mode: 'full', rows: rowsOf(1, 3, 'a') });
    await shop.write('order', { rows: rowsOf(2, 4, 'b') });
    await shop.write('order', { mode: 'full', rows: rowsOf(2, 5, 'c') });
    await shop.write('order', { rows: rowsOf(4, 6, 'd') });
    await shop.write('order', { rows: rowsOf(5, 6, 'e') });
    // An incremental pipeline meets the full version: it is loaded as one all the same.
    const done = await rig.incremental({ table: 'order' });
    assert.equal(done.facts.versions, [2, 3, 4]);
    assert.equal(await rig.rows('SELECT id, v FROM staging."order" ORDER BY id'), [
      ['2', 'c 2'],
      ['3', 'c 3'],
      ['4', 'd 4'],
      ['5', 'e 5'],
    ]);
    assert.equal(await rig.rows(`SELECT version, mode FROM engine.loads WHERE target_table = 'order' ORDER BY seq`), [
      ['2', 'full'],
      ['3', 'changes'],
      ['4', 'changes'],
    ]);
  });

  test('a full pipeline that finds only changes merges them and empties nothing', async () => {
    await shop.write('first', { rows: rowsOf(20, 21, 'late') });
    const before = await rig.rows('SELECT id, xmin FROM staging.first WHERE id = 3');
    const done = await rig.full({ table: 'first' });
    assert.is(done.summary, '1 in: 1 new, 0 changed, 0 the same; lake v2');
    assert.equal(await rig.rows('SELECT id, xmin FROM staging.first WHERE id = 3'), before);
  });

  test('a row that was deleted in the source before a full extract is gone, in every order of extract and load', async () => {
    await shop.write('gone', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'gone' });
    await shop.write('gone', { rows: rowsOf(3, 4, 'y') });
    await shop.write('gone', { mode: 'full', rows: rowsOf(1, 3, 'z') });
    await rig.incremental({ table: 'gone' });
    await rig.full({ table: 'gone' });
    assert.equal(await staging('gone'), [
      ['1', 'z 1'],
      ['2', 'z 2'],
    ]);
  });

  test('a full extract without rows empties staging; an empty lake loads nothing', async () => {
    assert.is((await rig.full({ table: 'nothing' })).summary, 'nothing in the lake yet');
    await shop.write('emptied', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'emptied' });
    await shop.write('emptied', { mode: 'full' });
    const done = await rig.full({ table: 'emptied' });
    assert.is(done.summary, '0 in, replacing all; lake v1');
    assert.equal(await staging('emptied'), []);
  });

  test('a staging table that was dropped is made again from the lake', async () => {
    await shop.write('dropped', { mode: 'full', rows: rowsOf(1, 3, 'x') });
    await shop.write('dropped', { rows: rowsOf(2, 4, 'y') });
    await rig.incremental({ table: 'dropped' });
    await rig.client.query('DROP TABLE staging.dropped');
    const done = await rig.incremental({ table: 'dropped' });
    assert.equal(done.facts.versions, [0, 1]);
    assert.equal(await staging('dropped'), [
      ['1', 'x 1'],
      ['2', 'y 2'],
      ['3', 'y 3'],
    ]);
  });

  test('a new column of the lake is added to staging, and rows of older versions have NULL there', async () => {
    const wider = lakeFields([...columns, { name: 'Neu "1"', type: 'integer', postgresType: 'integer', baseType: 'integer' }]);
    const inLake = wider[2]?.name ?? '';
    await shop.write('wider', { mode: 'full', rows: rowsOf(1, 3, 'x') });
    await rig.full({ table: 'wider' });
    await rig.client.query('CREATE VIEW public.over_wider AS SELECT id FROM staging.wider');
    await shop.write('wider', {
      fields: wider,
      rows: `SELECT 2::BIGINT AS id, 'x 2' AS v, 7::INTEGER AS "${inLake.replaceAll('"', '""')}"`,
    });
    const done = await rig.incremental({ table: 'wider' });
    assert.is(done.facts.updated, 1);
    assert.equal(await rig.rows('SELECT id, v, "Neu ""1""" FROM staging.wider ORDER BY id'), [
      ['1', 'x 1', null],
      ['2', 'x 2', '7'],
    ]);
    assert.equal(await rig.rows('SELECT count(*) FROM public.over_wider'), [['2']]);
    // The same from nothing: the older file lacks the column.
    await rig.client.query('DROP TABLE staging.wider CASCADE');
    await rig.incremental({ table: 'wider' });
    assert.equal(await rig.rows('SELECT id, v, "Neu ""1""" FROM staging.wider ORDER BY id'), [
      ['1', 'x 1', null],
      ['2', 'x 2', '7'],
    ]);
  });

  test('with load: append every version is kept, and one whose image is that of the latest is not added', async () => {
    await shop.write('versions', { mode: 'full', rows: rowsOf(1, 3, 'x') });
    await rig.full({ table: 'versions', load: 'append' });
    await shop.write('versions', { rows: `SELECT * FROM (VALUES (1::BIGINT, 'x 1'), (2, 'y 2')) AS r(id, v)` });
    await shop.write('versions', { rows: `SELECT * FROM (VALUES (2::BIGINT, 'y 2'), (1, 'z 1')) AS r(id, v)` });
    const done = await rig.incremental({ table: 'versions', load: 'append' });
    assert.equal([done.facts.rows, done.facts.inserted, done.facts.unchanged], [4, 2, 2]);
    assert.equal(await rig.rows('SELECT id, v FROM staging.versions ORDER BY id, _extracted_at'), [
      ['1', 'x 1'],
      ['1', 'z 1'],
      ['2', 'x 2'],
      ['2', 'y 2'],
    ]);
  });

  test('a whole table whose log is gone is loaded extract by extract', async () => {
    await shop.write('cleaned', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await rig.full({ table: 'cleaned' });
    await shop.write('cleaned', { rows: rowsOf(2, 4, 'y') });
    // Another writer takes rows away and puts all that is left into one file.
    const state = await readTable(shop.lake, 'cleaned');
    const files = state.files.map((f) => `'${shop.root}/cleaned/${decodeURIComponent(f.add.path)}'`).join(', ');
    await shop.connection.run(
      `COPY (SELECT * FROM read_parquet([${files}]) WHERE id <> 1) TO '${shop.root}/cleaned/all.parquet' (FORMAT parquet)`,
    );
    const actions = [
      ...state.files.map((f) => ({ remove: { path: f.add.path, deletionTimestamp: 1, dataChange: true } })),
      { add: { path: 'all.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, stats: '{"numRecords":4}' } },
      { commitInfo: { timestamp: 1, operation: 'DELETE' } },
    ];
    const entry = new TextEncoder().encode(actions.map((a) => `${JSON.stringify(a)}\n`).join(''));
    assert.is(await shop.lake.createIfAbsent('cleaned/_delta_log/00000000000000000002.json', entry), 'created');
    const done = await rig.incremental({ table: 'cleaned' });
    assert.equal([done.facts.versions, done.facts.replaced], [[2], true]);
    assert.equal(await staging('cleaned'), [
      ['2', 'y 2'],
      ['3', 'y 3'],
    ]);
  });

  test('a lake table that was made anew replaces staging', async () => {
    await shop.write('anew', { mode: 'full', rows: rowsOf(1, 6, 'old') });
    await rig.full({ table: 'anew' });
    await rm(`${shop.root}/anew`, { recursive: true });
    await shop.write('anew', { rows: rowsOf(1, 3, 'new') });
    const done = await rig.incremental({ table: 'anew' });
    assert.is(done.facts.replaced, true);
    assert.equal(await staging('anew'), [
      ['1', 'new 1'],
      ['2', 'new 2'],
    ]);
  });

  test('a lake that was put back to an older state is refused until the table is taken in full', async () => {
    await shop.write('older', { mode: 'full', rows: rowsOf(1, 4, 'x') });
    await shop.write('older', { rows: rowsOf(1, 2, 'y') });
    await rig.full({ table: 'older' });
    await rm(`${shop.root}/older/_delta_log/00000000000000000001.json`);
    assert.is((await refusal(rig.incremental({ table: 'older' }))).code, 'load.lake-older');
    // Another history at the version that staging holds.
    await shop.write('older', { rows: rowsOf(3, 4, 'z') });
    assert.is((await refusal(rig.incremental({ table: 'older' }))).code, 'load.lake-older');
    await shop.write('older', { mode: 'full', rows: rowsOf(3, 5, 'w') });
    await rig.full({ table: 'older' });
    assert.equal(await staging('older'), [
      ['3', 'w 3'],
      ['4', 'w 4'],
    ]);
  });

  test('many small files and many parts end as the same rows', async () => {
    for (let i = 0; i < 12; i += 1)
      await shop.write('many', { ...(i === 0 ? { mode: 'full' as const } : {}), rows: rowsOf(i * 10, i * 10 + 15, `v${i}`) });
    const big = await shop.write('parts', { mode: 'full', rows: rowsOf(0, 600_000, 'p') });
    assert.is(big.version, 0);
    const told: number[] = [];
    const [many, parts] = await Promise.all([
      rig.incremental({ table: 'many' }),
      rig.full({ table: 'parts', onProgress: (p) => p.rows !== undefined && told.push(p.rows) }),
    ]);
    assert.equal([many.facts.rows, many.facts.inserted], [180, 125]);
    assert.is(parts.rows, 600_000);
    assert.ok(told.length >= 3);
    assert.equal(await rig.rows(`SELECT count(*), count(DISTINCT id), sum(id) FROM staging.parts WHERE v = 'p ' || id`), [
      ['600000', '600000', '179999700000'],
    ]);
    assert.equal(await rig.rows(`SELECT count(*), count(*) FILTER (WHERE v = 'v11 ' || id) FROM staging.many`), [['125', '15']]);
  });
});
