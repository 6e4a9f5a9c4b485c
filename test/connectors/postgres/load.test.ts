import * as assert from 'uvu/assert';
import { at, openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig } from './load-rig.ts';

const rowsOf = (from: number, to: number, text: string): string => `SELECT i::BIGINT AS id, '${text} ' || i AS v FROM range(${from}, ${to}) r(i)`;

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

  const staging = (table: string): Promise<readonly (readonly (string | null)[])[]> => rig.rows(`SELECT id, v FROM staging.${table} ORDER BY id`);

  test('a first full load makes staging with types, key and times, and a ledger row', async () => {
    await shop.write('first', { mode: 'full', rows: rowsOf(1, 4, 'one') });
    const done = await rig.full({ table: 'first' });
    assert.is(done.summary, '3 in, replacing all; lake v0');
    assert.equal(await staging('first'), [
      ['1', 'one 1'],
      ['2', 'one 2'],
      ['3', 'one 3'],
    ]);
    const columns = await rig.rows(
      `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 'staging.first'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    assert.equal(columns, [
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
});
