import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../../support/compare.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

/** Every common type with the values at its edges: a column's type, then literals. NULL is added to each. */
const zoo: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', 'false'],
  smallint: ['-32768', '32767', '0'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807'],
  real: ['1.1', '-3.4028235e38', '1e-45', "'NaN'", "'Infinity'", "'-Infinity'", "'-0'", '16777216'],
  'double precision': ['0.1', '1.7976931348623157e308', '5e-324', "'NaN'", "'Infinity'", "'-Infinity'", "'-0'", '123456789.123456789'],
  'numeric(12,2)': ['0.00', '-9999999999.99', '9999999999.99', '1.10'],
  'numeric(38,10)': ['1234567890123456789012345678.0123456789', '-0.0000000001'],
  'numeric(38,0)': ['99999999999999999999999999999999999999'],
  'numeric(50,20)': ['123456789012345678901234567890.12345678901234567890', "'NaN'"],
  'numeric(3,5)': ['0.00123'],
  'numeric(5,-2)': ['1234500'],
  numeric: ['1.00', '1.0', '12345678901234567890123456789012345678901234567890.5', "'NaN'", "'Infinity'", "'-Infinity'", '1e-100'],
  money: ['-92233720368547758.08', '12.34'],
  text: [
    "''",
    "' '",
    "'NULL'",
    "'\\N'",
    "E'a\\nb\\r\\nc\\td'",
    "'it''s \"quoted\", with; commas'",
    "E'\\\\.'",
    "E'x\\n\\\\.\\ny'",
    "'Ünïcödé 漢字 🐘'",
    "E'\\x01\\x7f'",
  ],
  'varchar(20)': ["''", "'abc   '", "'ÄÖÜ'"],
  'char(8)': ["'ab'", "''", "'ab c'"],
  name: ["'a name'"],
  '"char"': ["'x'", "''"],
  bytea: ["'\\x'", "'\\x00ff5c5c0a0d22'", "'\\\\000\\\\134'::bytea"],
  date: ["'0001-01-01'", "'9999-12-31'", "'1582-10-10'", "'2024-02-29'"],
  timestamp: ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-03-31 02:30:00.000001'"],
  'timestamp(0)': ["'2024-03-31 02:30:00'"],
  'timestamp(3)': ["'2024-03-31 02:30:00.123'"],
  timestamptz: [
    "'0001-01-01 00:00:00+00'",
    "'9999-12-31 23:59:59.999999+00'",
    "'1900-01-01 00:00:00.000001+05:45'",
    "'2024-10-27 02:30:00+02'",
  ],
  time: ["'00:00:00'", "'24:00:00'", "'12:34:56.123456'"],
  timetz: ["'23:59:59.999999-12'", "'12:00+05:45'"],
  interval: ["'1 mon'", "'30 days'", "'-1 year 2 mons -3 days 04:05:06.000007'", "'0'", "'178000000 years'"],
  uuid: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  json: ['\'{"b": 1.00,  "a": [1e400, null], "b": 2}\'', '\'"text"\'', "'null'"],
  jsonb: ['\'{"b": 1.00, "a": {"ü": "\\\\u0041\\\\n"}}\'', "'123456789012345678901234567890.10'", "'null'"],
  xml: ['\'<a b="c">x&amp;y</a>\'', "'text only'"],
  inet: ["'10.0.0.1/8'", "'::1'", "'192.168.1.1'"],
  cidr: ["'10.0.0.0/8'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  macaddr8: ["'08:00:2b:01:02:03:04:05'"],
  'bit(5)': ["B'10101'"],
  'bit varying(70)': ["B''", "B'1'", "B'1010101010101010101010101010101010101010101010101010101010101010101010'"],
  point: ["'(1.5,-2)'"],
  line: ["'{1,2,3}'"],
  box: ["'(1,1),(0,0)'"],
  path: ["'[(0,0),(1,1)]'", "'((0,0),(1,1))'"],
  polygon: ["'((0,0),(1,1),(1,0))'"],
  circle: ["'<(1,2),3>'"],
  int4range: ["'[1,10)'", "'empty'", "'(,)'"],
  tstzrange: ["'[2024-01-01 00:00:00+00,infinity)'"],
  int4multirange: ["'{[1,3),[5,9)}'", "'{}'"],
  tsvector: ["'a fat cat'::tsvector", "to_tsvector('english', 'The quick brown foxes')"],
  tsquery: ["'fat & (rat | cat)'::tsquery"],
  'integer[]': ["'{1,2,NULL}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"],
  'text[]': ['\'{"a,b","c\\"d\\\\e",NULL,"NULL",""}\''],
  'numeric(6,2)[]': ["'{1.10,NULL}'"],
  'timestamptz[]': ["'{2024-01-01 00:00:00+00,infinity}'"],
  'jsonb[]': ['array[\'{"a": 1}\'::jsonb, null]'],
  'bytea[]': ["array['\\x00ff'::bytea, null]"],
  mood: ["'sad'", "'ha ppy'"],
  'mood[]': ['\'{sad,"ha ppy",NULL}\''],
  pair: ["row(1, 'a,\"b')", 'row(null, null)'],
  'pair[]': ["array[row(1, 'x')::pair, null]"],
  positive: ['1', '2147483647'],
  price: ['1.10'],
  label: ["'tag'"],
  stamp: ["'2024-01-01 00:00:00+00'"],
  oid: ['4294967295'],
  regclass: ["'pg_catalog.pg_class'::regclass"],
  pg_lsn: ["'16/B374D848'"],
  xid8: ["'18446744073709551615'"],
  jsonpath: ["'$.a[*] ? (@ > 1)'"],
};

const types = `
  CREATE TYPE mood AS ENUM ('sad', 'ha ppy');
  CREATE TYPE pair AS (n integer, t text);
  CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
  CREATE DOMAIN price AS numeric(10,2);
  CREATE DOMAIN label AS varchar(10);
  CREATE DOMAIN stamp AS timestamptz;`;

suite('values on their way', ({ test, before, after }) => {
  let db: TestDatabase;
  let elsewhere: TestDatabase;
  let client: pg.Client;
  let rig: NodeRig;
  let far: NodeRig;
  const columns = Object.entries(zoo).map(([type, values], i) => ({ name: `c${i} ${type}`, type, values }));
  const zooTable = tableConfig('zoo', { key: ['id'], lookbackMs: 3_600_000 });

  before(async () => {
    db = await freshDatabase('values');
    elsewhere = await freshDatabase('values_dw');
    client = await db.client();
    await client.query(types);
    await client.query(
      `CREATE TABLE zoo (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now(), ${columns.map((c) => `"${c.name.replaceAll('"', '""')}" ${c.type}`).join(', ')})`,
    );
    const most = Math.max(...columns.map((c) => c.values.length));
    for (let row = 0; row <= most; row += 1) {
      const literals = columns.map((c) => (c.values[row] === undefined ? 'NULL' : `(${c.values[row]})::${c.type}`));
      await client.query(`INSERT INTO zoo VALUES (${row}, now(), ${literals.join(', ')})`);
    }
    rig = await nodeRig({ source: db.url });
    far = await nodeRig({ source: db.url, sink: elsewhere.url });
  });
  after(async () => {
    await rig?.close();
    await far?.close();
    await db.drop();
    await elsewhere.drop();
  });

  const through = async (on: NodeRig): Promise<void> => {
    const [one] = await on.extract('full', [zooTable]);
    if (one === undefined) throw new Error('nothing was extracted');
    factsOf(one.outcome);
    factsOf(await on.load('full', zooTable));
  };

  test('a table of every common type ends in staging as it is in the source, with the same types (a domain as what it is over)', async () => {
    await through(rig);
    const difference = await differenceOf(client, { schema: 'public', name: 'zoo' }, client, { schema: 'staging', name: 'zoo' });
    assert.equal(difference.onlyLeft, []);
    assert.equal(difference.onlyRight, []);
    assert.ok(difference.rows > 5);
    const typesOf = async (table: string): Promise<unknown> =>
      (
        await client.query(
          `SELECT attname, CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod) ELSE format_type(atttypid, atttypmod) END AS type
           FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attrelid = $1::regclass AND attnum > 0 AND attname NOT IN ('_extracted_at', '_loaded_at') ORDER BY attnum`,
          [table],
        )
      ).rows;
    assert.equal(await typesOf('staging.zoo'), await typesOf('public.zoo'));
  });

  test('a sink that lacks the enums, domains and composites takes the same text', async () => {
    await through(far);
    const to = await elsewhere.client();
    const difference = await differenceOf(client, { schema: 'public', name: 'zoo' }, to, { schema: 'staging', name: 'zoo' });
    assert.equal(difference.onlyLeft, []);
    assert.equal(difference.onlyRight, []);
  });

  test('the same rows merged again are not rewritten, whatever their type', async () => {
    const [again] = await rig.extract('incremental', [zooTable]);
    if (again === undefined) throw new Error('nothing was extracted');
    const rows = factsOf(again.outcome).rows;
    assert.ok(Number(rows) > 5);
    const before = (await client.query('SELECT id, xmin::text FROM staging.zoo ORDER BY id')).rows;
    const merged = factsOf(await rig.load('incremental', zooTable));
    assert.equal([merged.inserted, merged.updated, merged.unchanged], [0, 0, rows]);
    assert.equal((await client.query('SELECT id, xmin::text FROM staging.zoo ORDER BY id')).rows, before);
  });

  test('another reader sees the same values in the lake', async () => {
    const rows = await lakeRows(rig.lake, 'zoo', 'SELECT * FROM files ORDER BY id, _extracted_at');
    const index = columns.findIndex((c) => c.type === 'numeric(12,2)');
    const name = Object.keys(rows[0] ?? {}).find((k) => k.startsWith(`c${index}`)) ?? '';
    assert.equal([...new Set(rows.map((r) => r[name]))].slice(0, 4), ['0.00', '-9999999999.99', '9999999999.99', '1.10']);
  });
});
