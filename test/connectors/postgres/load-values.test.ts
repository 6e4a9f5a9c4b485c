import * as assert from 'uvu/assert';
import { lakeFields } from '../../../lake/schema.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig } from './load-rig.ts';

interface Value {
  readonly name: string;
  /** Delta's, Postgres's and the built-in type. */
  readonly type: string;
  readonly postgres: string;
  readonly base?: string;
  /** Pairs: a DuckDB expression, and the text that Postgres must show for it. */
  readonly values: readonly (readonly [string, string | null])[];
}

const text = (name: string, postgres: string, values: readonly string[], base = postgres): Value => ({
  name,
  type: 'string',
  postgres,
  base,
  values: [...values.map((v) => [`'${v.replaceAll("'", "''")}'`, v] as const), ['NULL', null]],
});

const values: readonly Value[] = [
  text('txt', 'text', [
    '',
    ' ',
    '\\.',
    '\\N',
    'NULL',
    '"',
    '""',
    "'",
    ',',
    '\n',
    '\r',
    '\r\n',
    'a\n\\.\nb',
    '\\',
    '\\n',
    '\t',
    '#x',
    ' lead',
    'trail ',
    'é😀',
    '﻿bom',
    'x'.repeat(70_000),
  ]),
  text('vc', 'character varying(20)', ['', 'ab', 'é'.repeat(20)]),
  text('ch', 'character(5)', ['ab   ', '     ']),
  text('js', 'json', ['{"a":  1.00, "a": 2}', '"\\u00e9\\n"', 'null']),
  text('jb', 'jsonb', ['{"a": 1.00}', '"line\\nfeed"', 'null']),
  text('num', 'numeric', ['1.00', '1.0', 'NaN', '0.000', '123456789012345678901234567890123456789012345678901234567890.5']),
  text('uid', 'uuid', ['6f9619ff-8b86-d011-b42d-00c04fc964ff']),
  text('iv', 'interval', ['1 mon', '30 days', '-1 days +00:00:00.000001']),
  text('ti', 'time without time zone', ['00:00:00', '24:00:00', '12:34:56.789012']),
  text('tz', 'time with time zone', ['12:34:56.789012+05:30']),
  text('ip', 'inet', ['10.0.0.0/8', '::1']),
  text('bits', 'bit varying(9)', ['101', '']),
  text('rng', 'int4range', ['[1,5)', 'empty', '(,)']),
  text('arr', 'text[]', ['{}', '{a,NULL,"b,c","\\"q\\"","",NULL}', '{{a,b},{c,d}}']),
  text('nums', 'integer[]', ['{1,2,NULL}', '[0:1]={7,8}']),
  text('tsv', 'tsvector', ["'a':1 'b''c':2"]),
  text('pt', 'point', ['(1.5,-2)']),
  text('mon', 'money', ['$1,234.50', '-$0.01']),
  text('oidcol', 'oid', ['4294967295']),
  text('mood', 'public.mood', ['happy', 'so so'], 'text'),
  text('moods', 'public.mood[]', ['{happy,"so so",NULL}'], 'text[]'),
  text('year', 'public.year', ['1901'], 'integer'),
  text('pair', 'public.pair', ['(1,"a,b")', '(,)'], 'text'),
  text('ci', 'public.citext', ['Abc', ''], 'text'),
  text('nowhere', 'public.not_in_the_sink', ['x y'], 'text'),
  text('other', 'public.other_domain', ['7'], 'integer'),
  {
    name: 'bool',
    type: 'boolean',
    postgres: 'boolean',
    values: [
      ['true', 'true'],
      ['false', 'false'],
      ['NULL', null],
    ],
  },
  { name: 'i2', type: 'short', postgres: 'smallint', values: [['-32768', '-32768']] },
  { name: 'i4', type: 'integer', postgres: 'integer', values: [['-2147483648', '-2147483648']] },
  { name: 'i8', type: 'long', postgres: 'bigint', values: [['-9223372036854775808', '-9223372036854775808']] },
  {
    name: 'f4',
    type: 'float',
    postgres: 'real',
    values: [
      ["'nan'", 'NaN'],
      ["'-inf'", '-Infinity'],
      ['0.1', '0.1'],
      ['-(0.0::FLOAT)', '-0'],
      ['3.4028235e38', '3.4028235e+38'],
      ['1e-45', '1e-45'],
      ['16777216', '1.6777216e+07'],
    ],
  },
  {
    name: 'f8',
    type: 'double',
    postgres: 'double precision',
    values: [
      ["'nan'", 'NaN'],
      ["-'nan'::DOUBLE", 'NaN'],
      ["'inf'", 'Infinity'],
      ['5e-324', '5e-324'],
      ['1.7976931348623157e308', '1.7976931348623157e+308'],
      ['0.1::DOUBLE + 0.2::DOUBLE', '0.30000000000000004'],
      ['-0.0::DOUBLE', '-0'],
    ],
  },
  {
    name: 'dec',
    type: 'decimal(38,10)',
    postgres: 'numeric(38,10)',
    values: [
      ["'-9999999999999999999999999999.9999999999'", '-9999999999999999999999999999.9999999999'],
      ["'0'", '0.0000000000'],
    ],
  },
  {
    name: 'by',
    type: 'binary',
    postgres: 'bytea',
    values: [
      ["unhex('00FF5C0A22')", '\\x00ff5c0a22'],
      ["''::BLOB", '\\x'],
      ['NULL', null],
    ],
  },
  {
    name: 'da',
    type: 'date',
    postgres: 'date',
    values: [
      ["'0001-01-01'", '0001-01-01'],
      ["'9999-12-31'", '9999-12-31'],
    ],
  },
  {
    name: 'ts',
    type: 'timestamp_ntz',
    postgres: 'timestamp without time zone',
    values: [
      ["'0001-01-01 00:00:00'", '0001-01-01 00:00:00'],
      ["'9999-12-31 23:59:59.999999'", '9999-12-31 23:59:59.999999'],
      ["'2024-03-31 02:30:00.1'", '2024-03-31 02:30:00.1'],
    ],
  },
  {
    name: 'tstz',
    type: 'timestamp',
    postgres: 'timestamp with time zone',
    values: [
      ["'0001-01-01 00:00:00+00'", '0001-01-01 00:00:00+00'],
      ["'9999-12-31 23:59:59.999999+00'", '9999-12-31 23:59:59.999999+00'],
      ["'1969-12-31 23:59:59.000001+00'", '1969-12-31 23:59:59.000001+00'],
    ],
  },
  text('Quoted "Name", é', 'text', ['x']),
  text('select', 'text', ['reserved']),
  text('file_row_number', 'text', ['7']),
];

const duckdb = (type: string): string =>
  ({
    boolean: 'BOOLEAN',
    short: 'SMALLINT',
    integer: 'INTEGER',
    long: 'BIGINT',
    float: 'FLOAT',
    double: 'DOUBLE',
    string: 'VARCHAR',
    binary: 'BLOB',
    date: 'DATE',
    timestamp: 'TIMESTAMPTZ',
    timestamp_ntz: 'TIMESTAMP',
  })[type] ?? type.replace('decimal', 'DECIMAL');

suite('values on their way from the lake into staging', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  const fields = lakeFields([
    { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
    ...values.map((v) => ({ name: v.name, type: v.type, postgresType: v.postgres, baseType: v.base ?? v.postgres })),
  ]);
  const rows = Math.max(...values.map((v) => v.values.length));
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const select = Array.from({ length: rows }, (_, row) => {
    const list = values.map((v, i) => `(${v.values[row]?.[0] ?? 'NULL'})::${duckdb(v.type)} AS ${quoted(fields[i + 1]?.name ?? '')}`);
    return `SELECT ${row}::BIGINT AS id, ${list.join(', ')}`;
  }).join(' UNION ALL ');
  const check = async (table: string): Promise<void> => {
    await rig.client.query(
      "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET lc_monetary = 'C'; SET bytea_output = 'hex'; SET IntervalStyle = 'postgres'",
    );
    for (const value of values) {
      // A cast from character(n) to text takes the padding away, one from inet adds a mask.
      const column = /^(character\(|inet)/.test(value.postgres) ? `format('%s', ${quoted(value.name)})` : `${quoted(value.name)}::text`;
      const got = await rig.rows(
        `SELECT CASE WHEN num_nonnulls(${quoted(value.name)}) = 1 THEN ${column} END FROM staging.${table} ORDER BY id`,
      );
      const wanted = Array.from({ length: rows }, (_, row) => value.values[row]?.[1] ?? null);
      assert.equal(
        got.map((r) => r[0]),
        wanted,
        `${value.name} (${value.postgres}): got ${JSON.stringify(got).slice(0, 500)}`,
      );
    }
  };

  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'load_values');
    await rig.client.query(`
      CREATE TYPE public.mood AS ENUM ('happy', 'so so');
      CREATE DOMAIN public.year AS integer CHECK (VALUE > 1900);
      CREATE DOMAIN public.other_domain AS text;
      CREATE TYPE public.pair AS (a int, b text);
      CREATE EXTENSION citext SCHEMA public`);
  });
  after(async () => {
    await rig.close();
    await shop.close();
  });

  test('every type and edge arrives unchanged by a full load', async () => {
    await shop.write('full_values', { mode: 'full', fields, rows: select });
    await rig.full({ table: 'full_values' });
    await check('full_values');
  });

  test('every type and edge arrives unchanged by a merge, and the same again rewrites no row', async () => {
    await shop.write('merged_values', { mode: 'full', fields, rows: `SELECT * FROM (${select}) WHERE id < 0` });
    await rig.full({ table: 'merged_values' });
    await shop.write('merged_values', { fields, rows: select });
    await rig.incremental({ table: 'merged_values' });
    await check('merged_values');
    await shop.write('merged_values', { fields, rows: select });
    const done = await rig.incremental({ table: 'merged_values' });
    assert.equal([done.facts.inserted, done.facts.updated, done.facts.unchanged], [0, 0, rows]);
  });

  test('staging has the types of the source where the sink knows them and they are of the same kind, else built-in ones', async () => {
    const types = await rig.rows(
      `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'staging.full_values'::regclass AND attnum > 1 AND attname NOT LIKE E'\\\\_%'`,
    );
    for (const [name, type] of types) {
      const value = values.find((v) => v.name === name);
      const lacking = name === 'nowhere' || name === 'other';
      assert.is(type, lacking ? value?.base : value?.postgres, name ?? '');
    }
    assert.ok(rig.logs.some((l) => l.includes('staging cannot have the type public.not_in_the_sink for column nowhere')));
  });

  test('a change of image counts as one: 1.0 and 1.00, one month and 30 days, the case of a citext key', async () => {
    const images = lakeFields([
      { name: 'id', type: 'string', postgresType: 'public.citext', baseType: 'text' },
      { name: 'n', type: 'string', postgresType: 'numeric', baseType: 'numeric' },
      { name: 'i', type: 'string', postgresType: 'interval', baseType: 'interval' },
      { name: 'j', type: 'string', postgresType: 'json', baseType: 'json' },
    ]);
    for (const load of ['merge', 'append'] as const) {
      const table = `images_${load}`;
      const rowsOf = (a: string, b: string): string => `SELECT * FROM (VALUES ${a}, ${b}) AS r(id, n, i, j)`;
      await shop.write(table, {
        mode: 'full',
        fields: images,
        rows: rowsOf(`('A', '1.0', '1 mon', '{"a":1}')`, `('B', '1.0', '1 mon', '{}')`),
      });
      await rig.full({ table, load });
      await shop.write(table, { fields: images, rows: rowsOf(`('a', '1.00', '30 days', '{"a": 1}')`, `('B', '1.0', '1 mon', '{}')`) });
      const done = await rig.incremental({ table, load });
      assert.equal([done.facts.inserted, done.facts.updated, done.facts.unchanged], load === 'merge' ? [0, 1, 1] : [1, 0, 1]);
      assert.equal(await rig.rows(`SELECT id::text, n::text, i::text, j::text FROM staging.${table} WHERE id::text = 'a'`), [
        ['a', '1.00', '30 days', '{"a": 1}'],
      ]);
    }
  });
});
