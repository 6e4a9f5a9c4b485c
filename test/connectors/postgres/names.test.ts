import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteIdentifier } from '../../../connectors/postgres/identifier.ts';
import { lakeFolder } from '../../../engine/base/lake-folder.ts';
import type { TableConfig } from '../../../engine/config.ts';
import { differenceOf } from '../../support/compare.ts';
import { readDelta } from '../../support/deltalake.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

/** Names that Postgres allows, for columns and for tables. */
const names: readonly string[] = [
  'plain',
  'Plain',
  'PLAIN',
  'with space',
  'with_space',
  'with.dot',
  'double "quotes"',
  "single 'quotes'",
  'a,b',
  'a;b',
  '{a}',
  '(a)',
  'a=b',
  'tab\there',
  'line\nbreak',
  'carriage\rreturn',
  'back\\slash',
  '100%',
  '%s %I',
  'a/b',
  '..',
  '.',
  '../../etc',
  '$1',
  '${HOME}',
  '#',
  '-- no comment',
  '/* no comment',
  '`tick`',
  '*',
  '?',
  '[x]',
  '~',
  ' ',
  ' lead',
  'trail ',
  '1st',
  'null',
  'select',
  'table',
  'user',
  'order',
  'group',
  'column',
  'rowid',
  'file_row_number',
  'filename',
  'row_number',
  'c0',
  'bad',
  'excluded',
  't',
  'inc',
  'count',
  'true',
  'interval',
  'struct',
  'qualify',
  'pivot',
  'ünïcödé',
  'Ünïcödé',
  '漢字',
  '🐘',
  'e\u0301',
  '\u00e9',
  'ß',
  'ẞ',
  'ı',
  'İ',
  'K',
  '\u212a',
  'x'.repeat(63),
  'ü'.repeat(31),
  '漢'.repeat(21),
  '_',
  '__proto__',
  'constructor',
  'engine.name',
  '_extracted_at2',
];

suite('hostile names', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  let rig: NodeRig;
  before(async () => {
    db = await freshDatabase('names');
    client = await db.client();
    rig = await nodeRig({ source: db.url });
  });
  after(async () => {
    await rig?.close();
    await db.drop();
  });

  const through = async (table: TableConfig, mode: 'full' | 'incremental' = 'full'): Promise<void> => {
    const [one] = await rig.extract(mode, [table]);
    if (one === undefined) throw new Error('nothing was extracted');
    factsOf(one.outcome);
    factsOf(await rig.load(mode, table));
  };

  test('a table with columns of every name that Postgres allows goes through in full and by a merge, each value in its own column', async () => {
    await client.query(
      `CREATE TABLE public.columns ("Key ""of"", it" integer PRIMARY KEY, "updated at" timestamptz NOT NULL DEFAULT now(), ${names.map((n) => `${quoteIdentifier(n)} text`).join(', ')})`,
    );
    for (const row of [1, 2])
      await client.query(
        `INSERT INTO public.columns VALUES (${row}, now(), ${names.map((_, i) => `$${i + 1}`).join(', ')})`,
        names.map((n) => `${row} ${n}`),
      );
    const table = tableConfig('columns', { cursor: 'updated at' });
    await through(table);
    const same = async (): Promise<void> => {
      const d = await differenceOf(client, { schema: 'public', name: 'columns' }, client, { schema: 'staging', name: 'columns' });
      assert.equal([d.onlyLeft, d.onlyRight], [[], []]);
    };
    await same();
    await client.query(
      `UPDATE public.columns SET "updated at" = now(), ${names.map((n) => `${quoteIdentifier(n)} = 'changed ' || ${quoteIdentifier(n)}`).join(', ')} WHERE "Key ""of"", it" = 2`,
    );
    await through(table, 'incremental');
    await same();
    const key = await client.query("SELECT pg_get_indexdef('staging.columns_pkey'::regclass) AS key");
    assert.ok(key.rows[0].key.endsWith('("Key ""of"", it")'));
  });

  test('the lake has a clean and unique name for each, which delta-rs reads, and the name in Postgres beside it', async () => {
    const delta = await readDelta(join(rig.folder, 'lake', 'columns'));
    const fields = delta.fields.filter((f) => f.metadata['engine.role'] === undefined);
    assert.equal(
      fields.map((f) => f.metadata['engine.name']),
      ['Key "of", it', 'updated at', ...names],
    );
    assert.is(new Set(delta.fields.map((f) => f.name.toLowerCase())).size, delta.fields.length);
    for (const { name } of delta.fields) assert.not.match(name, /[ ,;{}()=\t\n]/);
    const row = delta.rows.find((r) => r[fields[0]?.name ?? ''] === 1);
    assert.equal(
      fields.slice(2).map((f) => row?.[f.name]),
      names.map((n) => `1 ${n}`),
    );
  });

  test('a table of each such name has a folder and a staging table of its own', async () => {
    const tables = names.map((name) =>
      tableConfig(name, { key: ['id'], relation: { schema: 'Any "schema" /..', name }, into: { schema: 'staging', name } }),
    );
    await client.query('CREATE SCHEMA "Any ""schema"" /.."');
    for (const { relation } of tables)
      await client.query(
        `CREATE TABLE "Any ""schema"" /..".${quoteIdentifier(relation.name)} (id integer PRIMARY KEY, updated_at timestamptz DEFAULT now(), v text)`,
      );
    const some = tables.filter((t) => !/^(columns)$/.test(t.name));
    for (const { name } of some)
      await client.query(`INSERT INTO "Any ""schema"" /..".${quoteIdentifier(name)} (id, v) VALUES (1, $1)`, [name]);
    const done = await rig.extract('full', some);
    for (const { outcome } of done) factsOf(outcome);
    for (const table of some) factsOf(await rig.load('full', table));
    for (const { name } of some)
      assert.equal((await client.query(`SELECT v FROM staging.${quoteIdentifier(name)}`)).rows, [{ v: name }], name);
    const folders = some.map((t) => lakeFolder(t.name).toLowerCase());
    assert.ok(folders.every((f) => !/[/\\]|^\.\.?$/.test(f)));
  });

  test('a column with a name of the engine is refused with the way out, whatever its case; renamed, it goes through', async () => {
    for (const name of ['_extracted_at', '_Loaded_At', '_deleted']) {
      await client.query(
        `DROP TABLE IF EXISTS public.taken; CREATE TABLE public.taken (id integer PRIMARY KEY, ${quoteIdentifier(name)} text); INSERT INTO public.taken VALUES (1, 'x')`,
      );
      const [one] = await rig.extract('full', [tableConfig('taken', { cursor: undefined })]);
      if (one?.outcome.kind !== 'failed') throw new Error(`${name} was taken`);
      assert.is(one.outcome.error.code, 'extract.reserved-name');
      assert.ok(one.outcome.error.hint?.includes('rename'), one.outcome.error.hint);
      const columns = { include: undefined, exclude: [], rename: { [name]: 'theirs' }, types: {}, mask: {} };
      await through(tableConfig('taken', { cursor: undefined, columns }));
      assert.equal((await client.query('SELECT theirs FROM staging.taken')).rows, [{ theirs: 'x' }]);
      await client.query('DROP TABLE staging.taken');
    }
  });
});
