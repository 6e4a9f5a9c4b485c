import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readTable } from '../../lake/log.ts';
import { dataFilePath } from '../../lake/path.ts';
import { readDelta } from '../support/deltalake.ts';
import { openWorkshop, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

suite('docs/lake.md', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  test('its query gives the latest version of each row and no deleted one, in DuckDB and in DataFusion', async () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'lake.md'), 'utf8');
    const query = /```sql\n([^`]+)```/.exec(page)?.[1]?.replace('FROM users', 'FROM t') ?? '';
    assert.match(query, 'FROM t');
    await shop.write('t', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'old' AS v FROM range(4) r(i)" });
    await shop.write('t', { rows: "SELECT i::BIGINT AS id, 'newer' AS v FROM range(1, 4) r(i)" });
    const last = "SELECT 2::BIGINT AS id, 'newest' AS v UNION ALL SELECT 3, 'gone' UNION ALL SELECT 9, 'new'";
    await shop.write('t', { rows: last, deleted: "v = 'gone'" });
    const state = await readTable(shop.lake, 't');
    const files = state.files.map((f) => `'${join(shop.root, dataFilePath('t', f.add))}'`);
    await shop.connection.run(`CREATE VIEW t AS SELECT * FROM read_parquet([${files.join(', ')}])`);

    const expected = [
      ['0', 'old'],
      ['1', 'newer'],
      ['2', 'newest'],
      ['9', 'new'],
    ];
    assert.equal(await shop.rows(`SELECT id, v FROM (${query}) ORDER BY id`), expected);
    const other = await readDelta(join(shop.root, 't'), `SELECT id, v FROM (${query}) AS q ORDER BY id`);
    assert.equal(
      other.rows.map((row) => [String(row.id), row.v]),
      expected,
    );
  });
});
