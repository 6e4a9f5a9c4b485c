import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { copyPart, copySql, partsOf } from '../../../connectors/postgres/copy.ts';
import { binaryForm, type CopyForm, csvForm, hasBinaryForm, preferredForm } from '../../../connectors/postgres/copy-form.ts';
import { type LoadWorkspace, openWorkspace } from '../../../connectors/postgres/load-workspace.ts';
import { sessionSettings, settingsSql } from '../../../connectors/postgres/session.ts';
import { type StagingColumn, stagingColumns } from '../../../connectors/postgres/staging.ts';
import { createRandom } from '../../../generators/random.ts';
import { readTable } from '../../../lake/log.ts';
import { lakeFields } from '../../../lake/schema.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

interface Column {
  readonly name: string;
  /** Delta's, Postgres's and the built-in type. */
  readonly type: string;
  readonly postgres: string;
  readonly base?: string;
  /** DuckDB expressions; NULL is added to each. */
  readonly values: readonly string[];
}

const texts = ['', ' ', '\\.', '\\N', '"', ',', '\n\r\t', 'é😀', '﻿bom', 'x'.repeat(70_000)];
const quoted = (values: readonly string[]): readonly string[] => values.map((v) => `'${v.replaceAll("'", "''")}'`);

const everyType: readonly Column[] = [
  { name: 'bool', type: 'boolean', postgres: 'boolean', values: ['true', 'false'] },
  { name: 'i2', type: 'short', postgres: 'smallint', values: ['-32768', '32767', '0', '-1'] },
  { name: 'i4', type: 'integer', postgres: 'integer', values: ['-2147483648', '2147483647', '0', '-1'] },
  { name: 'i8', type: 'long', postgres: 'bigint', values: ['-9223372036854775808', '9223372036854775807', '0', '-1'] },
  { name: 'f4', type: 'float', postgres: 'real', values: ["'nan'", "'inf'", "'-inf'", '-(0.0::FLOAT)', '0.1', '1e-45', '3.4028235e38'] },
  {
    name: 'f8',
    type: 'double',
    postgres: 'double precision',
    values: ["'nan'", "'inf'", "'-inf'", '-0.0::DOUBLE', '0.1::DOUBLE + 0.2::DOUBLE', '5e-324', '1.7976931348623157e308'],
  },
  { name: 'by', type: 'binary', postgres: 'bytea', values: ["unhex('00FF5C0A22')", "''::BLOB", "encode('é')"] },
  { name: 'da', type: 'date', postgres: 'date', values: ["'0001-01-01'", "'1999-12-31'", "'2000-01-01'", "'9999-12-31'"] },
  {
    name: 'ts',
    type: 'timestamp_ntz',
    postgres: 'timestamp without time zone',
    values: ["'0001-01-01 00:00:00'", "'1999-12-31 23:59:59.999999'", "'2000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
  },
  {
    name: 'tz',
    type: 'timestamp',
    postgres: 'timestamp with time zone',
    values: [
      "'0001-01-01 00:00:00+00'",
      "'1970-01-01 00:00:00+05:30'",
      "'2000-01-01 00:00:00.000001+00'",
      "'9999-12-31 23:59:59.999999+00'",
    ],
  },
  { name: 'ts3', type: 'timestamp', postgres: 'timestamp(3) with time zone', values: ["'2024-03-31 01:59:59.987+00'"] },
  { name: 'txt', type: 'string', postgres: 'text', values: quoted(texts) },
  { name: 'vc', type: 'string', postgres: 'character varying(20)', values: quoted(['', 'ab ', 'é'.repeat(20)]) },
  { name: 'ch', type: 'string', postgres: 'character(5)', values: quoted(['ab   ', '     ', '😀é   ']) },
  { name: 'js', type: 'string', postgres: 'json', values: quoted(['{"a":  1.00, "a": 2}', '"\\u00e9\\n"', 'null']) },
  { name: 'jb', type: 'string', postgres: 'jsonb', values: quoted(['{"a": 1.00}', '"line\\nfeed"', 'null', '[]']) },
  {
    name: 'uid',
    type: 'string',
    postgres: 'uuid',
    values: quoted([
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '7fb0d1ff-8b86-d011-842d-00c04fc964ff',
    ]),
  },
  { name: 'mood', type: 'string', postgres: 'public.mood', base: 'text', values: quoted(['happy', 'so so']) },
  { name: 'ci', type: 'string', postgres: 'public.citext', base: 'text', values: quoted(['Abc', '']) },
];

let db: TestDatabase;
let client: pg.Client;
let workshop: Workshop;
let root: string;
let workspace: LoadWorkspace;
let folders = 0;
/** Writes rows into the lake and gives staging's columns for them. */
async function table(
  columns: readonly Column[],
  rows: string,
): Promise<{ readonly folder: string; readonly columns: readonly StagingColumn[] }> {
  folders += 1;
  const folder = `t${folders}`;
  const fields = lakeFields(columns.map((c) => ({ name: c.name, type: c.type, postgresType: c.postgres, baseType: c.base ?? c.postgres })));
  await workshop.write(folder, { mode: 'full', fields, rows });
  return { folder, columns: await stagingColumns(client, fields) };
}

/** Loads a lake's table into a temporary one of that name; gives the number of rows. */
async function loadBy(form: CopyForm, name: string, folder: string, columns: readonly StagingColumn[]): Promise<number> {
  const list = columns.map((c) => `"${c.name}" ${c.type}`);
  await client.query(`DROP TABLE IF EXISTS ${name}; CREATE TEMPORARY TABLE ${name} (_extracted_at timestamptz, ${list.join(', ')})`);
  const state = await readTable(workshop.lake, folder);
  const files = state.files.map((f) => f.add);
  let rows = 0;
  for await (const part of partsOf(workspace.duck, { lake: workshop.lake, folder, files, columns, form }, workspace.folder)) {
    await copyPart(client, copySql(name, columns, form, false), part, { schema: 'pg_temp', name });
    rows += part.rows;
  }
  return rows;
}

/** Loads by both forms; what differs in image or in size on disk, as texts. */
async function differences(folder: string, columns: readonly StagingColumn[], rows: number): Promise<readonly unknown[]> {
  assert.is(await loadBy(csvForm, 'by_csv', folder, columns), rows);
  assert.is(await loadBy(binaryForm, 'by_binary', folder, columns), rows);
  const found = await client.query<{ csv: string; binary: string }>(
    `SELECT c.whole::text AS csv, b.whole::text AS binary
     FROM (SELECT by_csv::record AS whole, row_number() OVER (ORDER BY by_csv::text COLLATE "C") AS n FROM by_csv) c
     FULL JOIN (SELECT by_binary::record AS whole, row_number() OVER (ORDER BY by_binary::text COLLATE "C") AS n FROM by_binary) b USING (n)
     WHERE c.whole::text IS DISTINCT FROM b.whole::text OR c.whole OPERATOR(pg_catalog.*<>) b.whole OR pg_column_size(c.whole) <> pg_column_size(b.whole)`,
  );
  return found.rows;
}

function rowsOf(columns: readonly Column[]): { readonly sql: string; readonly count: number } {
  const count = Math.max(...columns.map((c) => c.values.length)) + 1;
  const duckType = (c: Column): string =>
    ({
      boolean: 'BOOLEAN',
      short: 'SMALLINT',
      integer: 'INTEGER',
      long: 'BIGINT',
      float: 'FLOAT',
      double: 'DOUBLE',
      binary: 'BLOB',
      date: 'DATE',
    })[c.type] ??
    { timestamp_ntz: 'TIMESTAMP', timestamp: 'TIMESTAMPTZ', string: 'VARCHAR' }[c.type] ??
    c.type;
  const row = (i: number): string =>
    columns
      .map(
        (c) => `CAST(${i === c.values.length ? 'NULL' : (c.values[i % (c.values.length + 1)] ?? 'NULL')} AS ${duckType(c)}) AS "${c.name}"`,
      )
      .join(', ');
  return { sql: Array.from({ length: count }, (_, i) => `SELECT ${row(i)}`).join(' UNION ALL '), count };
}

suite('the forms of COPY', ({ test, before, after }) => {
  before(async () => {
    db = await freshDatabase('copy_form');
    client = await db.client();
    await client.query(
      "CREATE TYPE public.mood AS ENUM ('happy', 'so so'); CREATE EXTENSION citext SCHEMA public; CREATE DOMAIN public.year AS integer",
    );
    await client.query(settingsSql(sessionSettings));
    workshop = await openWorkshop();
    root = await mkdtemp(join(tmpdir(), 'engine-copy-form-'));
    workspace = await openWorkspace(root, { memoryBytes: 256 * 1024 * 1024, threads: 2 });
    assert.ok(await workspace.loadExtension(undefined), "DuckDB's postgres extension is not on this machine: run `engine setup`");
  });

  after(async () => {
    await workspace?.close();
    await workshop?.close();
    await client?.end();
    await db?.drop();
    if (root !== undefined) await rm(root, { recursive: true, force: true });
  });

  test('binary gives what CSV gives, for every type that has a binary form', async () => {
    for (const column of everyType) {
      const { sql, count } = rowsOf([column]);
      const { folder, columns } = await table([column], sql);
      assert.ok(hasBinaryForm(columns), `${column.postgres} has a binary form`);
      assert.equal(await differences(folder, columns, count), [], column.postgres);
    }
    const { sql, count } = rowsOf(everyType);
    const { folder, columns } = await table(everyType, sql);
    assert.equal(await differences(folder, columns, count), []);
  });

  test('binary gives every decimal as it is, at every precision and scale', async () => {
    const random = createRandom(4, 'decimals');
    let tried = 0;
    for (let precision = 1; precision <= 38; precision += 1) {
      const columns: Column[] = [];
      for (let scale = 0; scale <= precision && scale <= 36; scale += 1) {
        const digits = (length: number): string => Array.from({ length }, () => random.below(10)).join('');
        const number = (text: string): string => `'${text.slice(0, precision - scale) || '0'}.${text.slice(precision - scale) || '0'}'`;
        const value = (): string => number(digits(random.below(precision) + 1).padStart(precision, '0'));
        const nines = number('9'.repeat(precision));
        const values = [
          nines,
          nines.replace("'", "'-"),
          "'0'",
          number('1'.padStart(precision, '0')),
          number(`1${'0'.repeat(precision - 1)}`),
        ];
        for (let i = 0; i < 20; i += 1) values.push(i % 2 === 0 ? value() : value().replace("'", "'-"));
        tried += values.length;
        columns.push({ name: `d${scale}`, type: `decimal(${precision},${scale})`, postgres: `numeric(${precision},${scale})`, values });
      }
      const { sql, count } = rowsOf(columns);
      const made = await table(columns, sql);
      assert.ok(hasBinaryForm(made.columns), `numeric(${precision},...)`);
      assert.equal(await differences(made.folder, made.columns, count), [], `precision ${precision}`);
    }
    assert.ok(tried > 15_000, `${tried} numbers`);
  });

  test('a decimal that the extension cannot align goes by CSV', async () => {
    for (const scale of [37, 38]) {
      const column: Column = { name: 'd', type: `decimal(38,${scale})`, postgres: `numeric(38,${scale})`, values: ["'0.1'"] };
      const { sql } = rowsOf([column]);
      assert.not(hasBinaryForm((await table([column], sql)).columns));
    }
  });

  test('random texts, bytes, times and numbers: 30,000 rows by both forms', async () => {
    const columns: readonly Column[] = [
      { name: 'i', type: 'long', postgres: 'bigint', values: [] },
      { name: 't', type: 'string', postgres: 'text', values: [] },
      { name: 'u', type: 'string', postgres: 'uuid', values: [] },
      { name: 'b', type: 'binary', postgres: 'bytea', values: [] },
      { name: 'z', type: 'timestamp', postgres: 'timestamp with time zone', values: [] },
      { name: 'd', type: 'date', postgres: 'date', values: [] },
      { name: 'f', type: 'double', postgres: 'double precision', values: [] },
      { name: 'j', type: 'string', postgres: 'jsonb', values: [] },
    ];
    const { folder, columns: staged } = await table(
      columns,
      `SELECT (h % 9223372036854775807)::BIGINT * (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END) AS i,
              CASE WHEN i % 7 = 0 THEN NULL ELSE repeat(chr((h % 50000)::INTEGER + 32), (h % 41)::INTEGER) END AS t,
              md5(i::VARCHAR)::UUID::VARCHAR AS u, unhex(md5((i + 1)::VARCHAR)) AS b,
              make_timestamptz((h % 315000000000000000)::BIGINT - 62000000000000000) AS z, DATE '0001-01-01' + (h % 3652058)::INTEGER AS d,
              h::DOUBLE / 1e7 AS f, '{"n": ' || i || '}' AS j FROM (SELECT i, hash(i) AS h FROM range(30000) AS r(i))`,
    );
    assert.ok(hasBinaryForm(staged));
    assert.equal(await differences(folder, staged, 30_000), []);
  });

  test('1,590 columns with NULL everywhere, no row at all, and no column but our own', async () => {
    const wide: readonly Column[] = Array.from({ length: 1_590 }, (_, i) => ({
      name: `c${i}`,
      type: 'string',
      postgres: 'text',
      values: ["'v'"],
    }));
    const values = rowsOf(wide);
    const many = await table(wide, values.sql);
    assert.equal(await differences(many.folder, many.columns, values.count), []);
    const empty = await table([everyType[0] as Column], 'SELECT true AS bool WHERE false');
    assert.equal(await differences(empty.folder, empty.columns, 0), []);
    const bare = await table([], 'SELECT * EXCLUDE (i) FROM (SELECT i, 1 AS j FROM range(3) AS r(i))');
    assert.is(bare.columns.length, 0);
  });

  test('a column that a file lacks is NULL by both forms', async () => {
    const { folder, columns } = await table([everyType[3] as Column], 'SELECT 1::BIGINT AS i8');
    const later = await stagingColumns(
      client,
      lakeFields([
        { name: 'i8', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
        { name: 'new', type: 'string', postgresType: 'text', baseType: 'text' },
      ]),
    );
    assert.is(columns.length, 1);
    assert.equal(await differences(folder, later, 1), []);
  });

  test('types without a simple binary form, and few rows, go by CSV', async () => {
    const fields = (type: string, base: string): ReturnType<typeof lakeFields> =>
      lakeFields([{ name: 'c', type: 'string', postgresType: type, baseType: base }]);
    for (const [type, base] of [
      ['numeric', 'numeric'],
      ['interval', 'interval'],
      ['time without time zone', 'time without time zone'],
      ['text[]', 'text[]'],
      ['inet', 'inet'],
      ['xml', 'xml'],
      ['money', 'money'],
      ['name', 'name'],
      ['int4range', 'int4range'],
      ['public.year', 'integer'],
    ] as const) {
      const columns = await stagingColumns(client, fields(type, base));
      assert.not(hasBinaryForm(columns), type);
      assert.is(preferredForm(columns, Number.POSITIVE_INFINITY), csvForm, type);
    }
    const simple = await stagingColumns(client, fields('text', 'text'));
    assert.is(preferredForm(simple, 100), csvForm);
    assert.is(preferredForm(simple, 1_000_000), binaryForm);
  });
});
