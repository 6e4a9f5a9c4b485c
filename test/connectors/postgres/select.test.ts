import type pg from 'pg';
import * as assert from 'uvu/assert';
import { lowSql, type TimeCursor } from '../../../connectors/postgres/cursor.ts';
import type { PostgresType, SourceRelation } from '../../../connectors/postgres/describe.ts';
import { extractColumns } from '../../../connectors/postgres/select.ts';
import { tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const text: PostgresType = { text: 'text', kind: 'base', schema: 'pg_catalog', name: 'text', typmod: -1, over: undefined, array: false };

function relationOf(...names: readonly string[]): SourceRelation {
  const columns = names.map((name) => ({ name, type: text, notNull: false, filledByServer: false, deterministic: true }));
  return { relation: { schema: 'public', name: 'odd' }, oid: '1', kind: 'view', columns, primaryKey: [] };
}

suite('select', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  before(async () => {
    db = await freshDatabase('select');
    client = await db.client();
  });
  after(() => db.drop());

  test('a column keeps its lake name when one that would be cleaned to the same comes before it', () => {
    const table = tableConfig('odd');
    const first = extractColumns(relationOf('a b'), table, []).map((c) => c.field);
    const then = extractColumns(relationOf('a_b', 'a b'), table, first).map((c) => [c.source.name, c.field.name]);
    assert.equal(then, [
      ['a_b', 'a_b_2'],
      ['a b', 'a_b'],
    ]);
  });

  test('two columns that a rename gives one name are refused before anything is taken', () => {
    const table = tableConfig('odd', { columns: { include: undefined, exclude: [], rename: { a: 'b' }, types: {}, mask: {} } });
    assert.throws(() => extractColumns(relationOf('a', 'b'), table, []), /two columns of public\.odd would be named "b"/);
  });

  const column = { name: 'u', type: text, notNull: true, filledByServer: false, deterministic: true };
  /** Rows written at `low` or later, each minute of a day, that the start would pass over; local times go back when summer time ends. */
  const passedOver = async (cursor: TimeCursor, type: string, days: readonly string[]): Promise<number> => {
    let missed = 0;
    for (const day of days)
      for (let minute = 0; minute < 24 * 60; minute += 15) {
        const low = new Date(Date.parse(`${day}T00:00:00Z`) + minute * 60_000).toISOString().replace('Z', '000Z');
        const { rows } = await client.query(
          `SELECT count(*)::int AS n FROM generate_series('${low}'::timestamptz, '${low}'::timestamptz + interval '5 hours', '7 minutes 0.4 seconds') AS w(at)
           WHERE NOT (at AT TIME ZONE $1)::${type} >= ${lowSql(cursor, low)}`,
          [cursor.zone],
        );
        missed += rows[0].n;
      }
    return missed;
  };

  for (const [zone, days] of [
    ['America/New_York', ['2026-03-08', '2026-11-01']],
    ['Europe/London', ['2026-03-29', '2026-10-25']],
    ['Australia/Lord_Howe', ['2026-04-04', '2026-10-03']],
    ['Africa/Casablanca', ['2026-02-15', '2026-03-22']],
    ['Antarctica/Casey', ['2020-03-07', '2020-10-03']],
  ] as const)
    test(`no row of ${zone} lies below the start, whichever way the clocks change`, async () => {
      await client.query("SET TimeZone = 'UTC'");
      assert.is(await passedOver({ column, kind: 'timestamp', precision: 6, zone }, 'timestamp', days), 0);
      assert.is(await passedOver({ column, kind: 'timestamp', precision: 0, zone }, 'timestamp(0)', days), 0);
      assert.is(await passedOver({ column, kind: 'date', precision: 6, zone }, 'date', days), 0);
    });
});
