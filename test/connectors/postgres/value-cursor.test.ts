import type pg from 'pg';
import * as assert from 'uvu/assert';
import type { TableConfig } from '../../../engine/config.ts';
import type { NodeResult } from '../../../engine/event.ts';
import { readTable } from '../../../lake/log.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, type RunOptions, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

suite('integer and text cursors', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  const rigs: NodeRig[] = [];

  before(async () => {
    db = await freshDatabase('values');
    client = await db.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.close();
    await db.drop();
  });

  const rigOn = async (): Promise<NodeRig> => {
    const rig = await nodeRig({ source: db.url });
    rigs.push(rig);
    return rig;
  };
  const make = async (type: string, values: readonly string[]): Promise<TableConfig> => {
    await client.query(`DROP TABLE IF EXISTS events; CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n ${type})`);
    await insert(...values);
    return tableConfig('events', { cursor: 'n' });
  };
  const insert = async (...values: readonly string[]): Promise<void> => {
    for (const value of values) await client.query('INSERT INTO events (n) VALUES ($1)', [value]);
  };
  const take = async (
    rig: NodeRig,
    table: TableConfig,
    mode: 'full' | 'incremental' = 'incremental',
    options: RunOptions = {},
  ): Promise<NodeResult['facts']> => {
    const [one] = await rig.extract(mode, [table], options);
    if (one === undefined) throw new Error('nothing was extracted');
    return factsOf(one.outcome);
  };
  const codeOf = async (rig: NodeRig, table: TableConfig, mode: 'full' | 'incremental' = 'incremental'): Promise<string> => {
    const [one] = await rig.extract(mode, [table]);
    return one?.outcome.kind === 'failed' ? one.outcome.error.code : String(one?.outcome.kind);
  };

  for (const [type, first, then] of [
    ['integer', ['1', '-5', '9'], ['10', '2147483647']],
    ['bigint', ['9007199254740993', '7'], ['9007199254740994', '9223372036854775807']],
    ['numeric(25,0)', ['1', '1234567890123456789012344', '999'], ['1234567890123456789012345']],
    ['text', ['apple', 'Zebra', "it's \\ a"], ['zz', 'zzz']],
    ['text COLLATE "en-x-icu"', ['apple', 'Zebra', 'éclair'], ['zébra', 'Zz']],
    ['varchar(26)', ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '01ARZ3NDEK'], ['01BX5ZZKBKACTAV9WEVGEMMVRZ']],
    ['char(8)', ['a', 'b '], ['b1', 'c']],
    ['uuid', ['018f3c5e-0000-7000-8000-000000000001'], ['018f3c5e-0001-7000-8000-000000000000', 'f0000000-0000-4000-8000-000000000000']],
  ] as const)
    test(`a cursor of type ${type} goes on from the last value, which is taken again`, async () => {
      const table = await make(type, first);
      const rig = await rigOn();
      await take(rig, table, 'full');
      const highest = (await client.query('SELECT n::text AS n FROM events ORDER BY events.n DESC LIMIT 1')).rows[0].n;
      const quiet = await take(rig, table);
      assert.equal([quiet.rows, quiet.low, quiet.value, quiet.fence], [1, highest, highest, null]);
      await insert(...then);
      const next = await take(rig, table);
      assert.equal([next.rows, next.low], [1 + then.length, highest]);
      const all = await lakeRows(rig.lake, 'events', 'SELECT DISTINCT id, n FROM files ORDER BY id');
      const { rows } = await client.query('SELECT id::text AS id, n FROM events ORDER BY events.id');
      assert.equal(
        all.map((r) => `${r.id} ${r.n?.trimEnd()}`),
        rows.map((r) => `${r.id} ${String(r.n).trimEnd()}`),
      );
    });

  test('a lookback in units takes so many numbers again, and no number below the type is made of it', async () => {
    const table = { ...(await make('bigint', ['1', '2', '3', '4', '5'])), lookbackUnits: 2 };
    const rig = await rigOn();
    await take(rig, table, 'full');
    const next = await take(rig, table);
    assert.equal([next.low, next.rows, next.value], ['3', 3, '5']);
    const far = await take(rig, { ...table, lookbackUnits: Number.MAX_SAFE_INTEGER });
    assert.is(far.rows, 5);
    await client.query('TRUNCATE events');
    await insert('-9223372036854775807');
    const low = await rigOn();
    await take(low, table, 'full');
    assert.is((await take(low, table)).low, '-9223372036854775808');
  });

  test('a row that commits late with a lower value is missed outside the lookback, as said, and a full run finds it', async () => {
    const table = await make('integer', ['1']);
    const rig = await rigOn();
    await take(rig, table, 'full');
    const late = await db.client();
    await late.query('BEGIN; INSERT INTO events (n) VALUES (2)');
    await insert('3');
    await take(rig, table);
    await late.query('COMMIT');
    await late.end();
    await take(rig, table);
    const has = async (n: number): Promise<boolean> =>
      (await lakeRows(rig.lake, 'events', `SELECT n FROM files WHERE n = ${n}`)).length > 0;
    assert.equal([await has(2), await has(3)], [false, true]);
    await take(rig, { ...table, lookbackUnits: 1 });
    assert.is(await has(2), true);
    const other = await rigOn();
    await take(other, table, 'full');
    assert.equal(await lakeRows(other.lake, 'events', 'SELECT n FROM files ORDER BY n'), [{ n: 1 }, { n: 2 }, { n: 3 }].map(asText));
  });
  const asText = (row: { readonly n: number }) => ({ n: String(row.n) });

  test('when the highest row is deleted the value stays, with a warning; a full run begins where the table is', async () => {
    const table = await make('integer', ['1', '2', '3']);
    const rig = await rigOn();
    await take(rig, table, 'full');
    await client.query('DELETE FROM events WHERE n = 3');
    const said: string[] = [];
    const onEvent: RunOptions['onEvent'] = (event) => {
      if (event.type === 'log' && event.level === 'warn') said.push(event.text);
    };
    const gone = await take(rig, table, 'incremental', { onEvent });
    assert.equal([gone.rows, gone.value], [0, '3']);
    assert.match(said.join('\n'), /no row has a n of 3 or more any more.*--full-refresh/);
    const back = await take(rig, { ...table, lookbackUnits: 1 }, 'incremental', { onEvent });
    assert.equal([back.rows, back.value], [1, '3']);
    assert.is((await take(rig, table, 'full')).value, '2');
  });

  test('an empty table has no value, and what comes into it is taken', async () => {
    const table = await make('integer', []);
    const rig = await rigOn();
    assert.is((await take(rig, table, 'full')).value, null);
    assert.equal([(await take(rig, table)).low, (await take(rig, table)).rows], [null, 0]);
    await insert('-7');
    const first = await take(rig, table);
    assert.equal([first.rows, first.value], [1, '-7']);
  });

  test('neither NULLs nor a NaN stand for the highest value; both are read every time', async () => {
    const table = await make('numeric(9,0)', ['5', 'NaN']);
    await client.query('INSERT INTO events (n) VALUES (NULL)');
    const asText = { ...table, columns: { ...table.columns, types: { n: 'string' as const } } };
    const rig = await rigOn();
    assert.is((await take(rig, asText, 'full')).value, '5');
    await insert('6');
    const next = await take(rig, asText);
    assert.equal([next.rows, next.value], [4, '6']);
    assert.is((await take(rig, asText)).rows, 3);
  });

  test('only rows that `where` takes count for the highest value', async () => {
    const table = { ...(await make('integer', ['1', '2', '100'])), where: 'n < 50' };
    const rig = await rigOn();
    assert.is((await take(rig, table, 'full')).value, '2');
    await insert('3');
    assert.equal([(await take(rig, table)).rows], [2]);
  });

  test('the value is in the commit, and checkpoints keep it', async () => {
    const table = await make('integer', ['1']);
    const rig = await rigOn();
    await take(rig, table, 'full');
    for (let n = 2; n < 4; n += 1) {
      await insert(String(n));
      await take(rig, table);
    }
    const state = await readTable(rig.lake, 'events');
    assert.equal([state.last?.commit.value, state.last?.commit.fence, state.last?.commit.candidates], ['3', null, []]);
    // An open transaction and a prepared one hold nothing where there is no fence.
    const holder = await db.client();
    await holder.query('BEGIN; SELECT 1');
    assert.is((await take(rig, table)).heldBy, null);
    await holder.end();
  });

  test('another type, or a time in its place, asks for a full run; a lookback of the other kind is refused with what to write', async () => {
    const table = await make('integer', ['1']);
    const rig = await rigOn();
    await take(rig, table, 'full');
    assert.is(await codeOf(rig, { ...table, cursor: 'id' }), 'extract.meaning-changed');
    await client.query('ALTER TABLE events ALTER COLUMN n TYPE text');
    const without = { ...table, columns: { ...table.columns, exclude: ['n'] } };
    const hidden = await rigOn();
    await take(hidden, without, 'full');
    await client.query('ALTER TABLE events ALTER COLUMN n TYPE int USING n::int');
    assert.is(await codeOf(hidden, without), 'extract.meaning-changed');
    assert.is(await codeOf(rig, { ...table, lookbackMs: 10_000 }), 'extract.lookback-kind');
    await client.query('ALTER TABLE events ADD COLUMN at timestamptz, ADD COLUMN flag boolean, ADD COLUMN price numeric');
    assert.is(await codeOf(rig, { ...table, cursor: 'at', lookbackUnits: 5 }), 'extract.lookback-kind');
    for (const cursor of ['flag', 'price']) assert.is(await codeOf(rig, { ...table, cursor }), 'extract.cursor-type');
  });
});
