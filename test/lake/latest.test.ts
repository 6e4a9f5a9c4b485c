import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { latestSql, versionsSql } from '../../lake/latest.ts';
import { readTable } from '../../lake/log.ts';
import { dataFilePath } from '../../lake/path.ts';
import { lakeFields } from '../../lake/schema.ts';
import type { TableState } from '../../lake/table.ts';
import { openWorkshop, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

suite('the latest rows of a lake table', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  const files = (state: TableState): readonly string[] => state.files.map((f) => join(shop.root, dataFilePath(state.folder, f.add)));
  const latest = async (folder: string, names: 'lake' | 'postgres' = 'postgres', columns = '*') => {
    const state = await readTable(shop.lake, folder);
    return shop.rows(`SELECT ${columns} FROM (${latestSql(state, files(state), { names })}) ORDER BY 1`);
  };

  test('are one per key, that of the newest extract, however often the key came', async () => {
    await shop.write('t', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'old' AS v FROM range(4) r(i)" });
    await shop.write('t', { rows: "SELECT i::BIGINT AS id, 'newer' AS v FROM range(1, 3) r(i)" });
    await shop.write('t', { rows: "SELECT 2::BIGINT AS id, NULL AS v UNION ALL SELECT 9, 'new'" });
    assert.equal(await latest('t', 'postgres', 'id, v'), [
      ['0', 'old'],
      ['1', 'newer'],
      ['2', null],
      ['3', 'old'],
      ['9', 'new'],
    ]);
    const state = await readTable(shop.lake, 't');
    assert.equal(await shop.rows(`SELECT count(*) FROM (${versionsSql(state, files(state), { names: 'lake' })})`), [['8']]);
  });

  test('are without those whose latest version is deleted', async () => {
    await shop.write('deleted', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'old' AS v FROM range(3) r(i)" });
    await shop.write('deleted', { rows: "SELECT 1::BIGINT AS id, 'gone' AS v" });
    const state = await readTable(shop.lake, 'deleted');
    const path = files(state)[1] ?? '';
    await shop.connection.run(`COPY (SELECT * REPLACE (true AS _deleted) FROM read_parquet('${path}')) TO '${path}.new' (FORMAT parquet)`);
    const changed = [files(state)[0] ?? '', `${path}.new`];
    assert.equal(await shop.rows(`SELECT id FROM (${latestSql(state, changed, { names: 'lake' })}) ORDER BY 1`), [['0'], ['2']]);
  });

  test('are all rows of a table without a key', async () => {
    await shop.write('no key', { mode: 'full', rows: "SELECT 1::BIGINT AS id, 'a' AS v UNION ALL SELECT 1, 'a'" });
    const state = await readTable(shop.lake, 'no key');
    if (state.metadata === undefined) throw new Error('no metadata');
    const keyless = { ...state, metadata: { ...state.metadata, configuration: { 'engine.key': '[]' } } };
    assert.equal(await shop.rows(`SELECT count(*) FROM (${latestSql(keyless, files(state), { names: 'lake' })})`), [['2']]);
  });

  test('have the names of Postgres, or where two differ only by case the lake name for the second', async () => {
    const fields = lakeFields(
      ['a b', 'Id', 'id', 'say "x"'].map((name) => ({ name, type: 'string', postgresType: 'text', baseType: 'text' })),
    );
    await shop.write('names', { mode: 'full', fields, rows: `SELECT 'x' AS a_b, 'I' AS "Id", 'i' AS id_2, 'q' AS "say_""x"""` });
    const state = await readTable(shop.lake, 'names');
    const names = (sql: string) => shop.rows(`SELECT column_name FROM (DESCRIBE ${sql})`);
    const some = files(state);
    assert.equal((await names(latestSql(state, some, { names: 'postgres' }))).flat(), ['a b', 'Id', 'id_2', 'say "x"', '_extracted_at']);
    assert.equal((await names(latestSql(state, some, { names: 'lake' }))).flat(), ['a_b', 'Id', 'id_2', 'say_"x"', '_extracted_at']);
    assert.equal((await names(versionsSql(state, some, { names: 'lake' }))).flat().slice(-2), ['_extracted_at', '_deleted']);
    assert.equal(await latest('names', 'postgres', '"a b", "Id", "id_2"'), [['x', 'I', 'i']]);
  });

  test('of a table without files, or with a column that no file has, have their types', async () => {
    const id = { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' };
    const fields = lakeFields([id, { name: 'n', type: 'decimal(12,2)', postgresType: 'numeric(12,2)', baseType: 'numeric(12,2)' }]);
    await shop.write('empty', { mode: 'full', fields });
    const state = await readTable(shop.lake, 'empty');
    const described = `SELECT column_name, column_type FROM (DESCRIBE ${latestSql(state, [], { names: 'lake' })})`;
    assert.equal(await shop.rows(described), [
      ['id', 'BIGINT'],
      ['n', 'DECIMAL(12,2)'],
      ['_extracted_at', 'TIMESTAMP WITH TIME ZONE'],
    ]);
    await shop.write('grown', { mode: 'full', fields: lakeFields([id]), rows: 'SELECT 1::BIGINT AS id' });
    await shop.write('grown', { fields });
    assert.equal(await latest('grown', 'lake', 'id, n'), [['1', null]]);
    await shop.write('grown', { fields, rows: 'SELECT 2::BIGINT AS id, 1.5::DECIMAL(12,2) AS n' });
    assert.equal(await latest('grown', 'lake', 'id, n'), [
      ['1', null],
      ['2', '1.50'],
    ]);
  });
});
