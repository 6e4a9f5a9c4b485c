/** One type of Postgres with the values at its edges. */
export interface ZooType {
  /** As a column is declared, under `search_path = ''`. */
  readonly type: string;
  /** SQL expressions; a NULL is added to each. The first is the example of the page on values. */
  readonly values: readonly string[];
  /** Of `values`, those that only servers from this version on know (`server_version_num`). */
  readonly later?: { readonly since: number; readonly values: readonly string[] };
  readonly group: string;
}

/** Quotes texts as literals, backslashes and all. */
const texts = (...values: readonly string[]): readonly string[] =>
  values.map((v) => `E'${v.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`);

const digits = (count: number): string => '1234567890'.repeat(Math.ceil(count / 10)).slice(0, count);

/** Values that the lake's own type for them cannot hold: each fails an extract by name, and passes with `columns.types: string`. */
export const misfits: readonly { readonly type: string; readonly value: string; readonly shown: string }[] = [
  { type: 'numeric(12,2)', value: "'NaN'", shown: 'NaN' },
  { type: 'date', value: "'infinity'", shown: 'infinity' },
  { type: 'date', value: "'-infinity'", shown: '-infinity' },
  { type: 'date', value: "'0044-03-15 BC'", shown: '0044-03-15 BC' },
  { type: 'date', value: "'10000-01-01'", shown: '10000-01-01' },
  { type: 'date', value: "'5874897-12-31'", shown: '5874897-12-31' },
  { type: 'timestamp', value: "'infinity'", shown: 'infinity' },
  { type: 'timestamp', value: "'-infinity'", shown: '-infinity' },
  { type: 'timestamp', value: "'0001-12-31 23:59:59.999999 BC'", shown: '0001-12-31 23:59:59.999999 BC' },
  { type: 'timestamp', value: "'294276-12-31 23:59:59.999999'", shown: '294276-12-31 23:59:59.999999' },
  { type: 'timestamp(3)', value: "'10000-01-01 00:00:00'", shown: '10000-01-01 00:00:00' },
  { type: 'timestamptz', value: "'infinity'", shown: 'infinity' },
  { type: 'timestamptz', value: "'-infinity'", shown: '-infinity' },
  { type: 'timestamptz', value: "'4713-11-24 00:00:00+00 BC'", shown: '4713-11-24 00:00:00+00 BC' },
  { type: 'timestamptz', value: "'294276-12-31 23:59:59.999999+00'", shown: '294276-12-31 23:59:59.999999+00' },
  { type: 'timestamptz', value: "'9999-12-31 23:59:59.999999-01'", shown: '10000-01-01 00:59:59.999999+00' },
  { type: 'public.stamp', value: "'infinity'", shown: 'infinity' },
];

/** What the zoo's own types are made of; needs the contrib modules. */
export const zooTypesSql = `
  CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION ltree SCHEMA public;
  CREATE EXTENSION cube SCHEMA public; CREATE EXTENSION isn SCHEMA public; CREATE EXTENSION seg SCHEMA public;
  CREATE EXTENSION intarray SCHEMA public; CREATE EXTENSION lo SCHEMA public;
  CREATE SCHEMA "Odd ""Schema"", x";
  CREATE TYPE public.mood AS ENUM ('sad', 'ha ppy', '', 'it''s "so-so", {x}', 'ünïcödé 🐘', E'tab\\tline\\n', 'NULL');
  CREATE TYPE "Odd ""Schema"", x"."Type ""of"". enum" AS ENUM ('a', 'B');
  CREATE TYPE public.pair AS (n integer, t text);
  CREATE TYPE public.nest AS (p public.pair, ps public.pair[], m public.mood, f char(4), at timestamptz);
  CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
  CREATE DOMAIN public.price AS numeric(10,2) CHECK (VALUE >= 0);
  CREATE DOMAIN public.loose AS numeric;
  CREATE DOMAIN public.label AS varchar(10);
  CREATE DOMAIN public.padded AS char(6);
  CREATE DOMAIN public.stamp AS timestamptz;
  CREATE DOMAIN public.short_label AS public.label CHECK (length(VALUE) < 5);
  CREATE DOMAIN public.numbers AS integer[] CHECK (array_length(VALUE, 1) < 5);
  CREATE DOMAIN public.good_pair AS public.pair CHECK ((VALUE).n > 0);
  CREATE DOMAIN public.mine AS public.mood;
  CREATE DOMAIN public.bits AS bit varying(12);
  CREATE DOMAIN public.span AS interval day to second(2);
  CREATE TYPE public.float_range AS RANGE (subtype = float8, multirange_type_name = public.float_ranges);
  CREATE TYPE public.text_range AS RANGE (subtype = text, collation = "C");`;

const groups: Readonly<Record<string, readonly Omit<ZooType, 'group'>[]>> = {
  Numbers: [
    { type: 'boolean', values: ['true', 'false'] },
    { type: 'smallint', values: ['-32768', '32767', '0'] },
    { type: 'integer', values: ['-2147483648', '2147483647', '0'] },
    { type: 'bigint', values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'] },
    {
      type: 'real',
      values: ["'-0'", '1.1', '-3.4028235e38', '1e-45', '1.17549435e-38', "'NaN'", "'Infinity'", "'-Infinity'", '16777216'],
    },
    {
      type: 'double precision',
      values: [
        "'-0'",
        '0.1',
        '0.1::float8 + 0.2::float8',
        '1.7976931348623157e308',
        '5e-324',
        '2.2250738585072014e-308',
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        '123456789.123456789',
      ],
    },
    {
      type: 'numeric',
      values: [
        '1.00',
        '1.0',
        `'${digits(131)}.${digits(130)}'`,
        `'-${digits(400)}'`,
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        '1e-100',
        '-0.000',
        '1e1000',
      ],
    },
    { type: 'numeric(12,2)', values: ['-9999999999.99', '9999999999.99', '0.00', '1.10', '-0.01'] },
    { type: 'numeric(38,0)', values: ['99999999999999999999999999999999999999', '-99999999999999999999999999999999999999', '0'] },
    { type: 'numeric(38,10)', values: ['1234567890123456789012345678.0123456789', '-0.0000000001'] },
    { type: 'numeric(38,38)', values: ['0.99999999999999999999999999999999999999', '-0.00000000000000000000000000000000000001'] },
    { type: 'numeric(39,1)', values: ['99999999999999999999999999999999999999.9', "'NaN'", '-0.1'] },
    { type: 'numeric(1000,500)', values: [`'${digits(500)}.${digits(500)}'`] },
    { type: 'numeric(5,-2)', values: ['1234567', '-9999900', "'NaN'"] },
    { type: 'numeric(2,5)', values: ['0.00099', '-0.00001', "'NaN'"] },
    { type: 'money', values: ['(-92233720368547758.08)::numeric', '92233720368547758.07::numeric', '0.01::numeric', '-1234.5::numeric'] },
  ],
  Text: [
    {
      type: 'text',
      values: texts(
        'it\'s "quoted"',
        '',
        ' ',
        'NULL',
        '\\N',
        '\\.',
        'x\n\\.\ny',
        'a\nb\r\nc\rd\te',
        '\\',
        '\\n',
        '"',
        '""',
        ',',
        "''",
        ' lead and trail ',
        '\u0001\u007f\u0080\u009f\u00a0',
        'e\u0301 \u00e9',
        '\u{1f418}\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
        '\ufeffbom',
        '\u202eright to left',
        '\ufffe\uffff\ufffd\u2028\u2029',
        '$1 %s %% ${x} {}',
        '-- /* no comment */ ;',
      ),
    },
    { type: 'character varying(20)', values: texts('abc   ', '', 'ÄÖÜ 漢字') },
    { type: 'character(8)', values: texts('ab', '', 'ab c', 'äöü', '12345678') },
    { type: '"char"', values: ["'x'", "''", "' '"] },
    { type: 'name', values: texts('a name', '', 'ü'.repeat(31)) },
    { type: 'public.citext', values: texts('Abc', 'aBC', '') },
    { type: 'xml', values: texts('<a b="c">x&amp;y</a>', 'text only', '<a/><b/>', '') },
    {
      type: 'json',
      values: texts(
        '{"b": 1.00,  "a": [1e400, null], "b": 2}',
        ' \n {"x" : "\\u0000 \\ud83d\\ude00"}\t',
        '"text"',
        'null',
        '123456789012345678901234567890.10',
        '-0',
      ),
    },
    {
      type: 'jsonb',
      values: texts('{"b": 1.00, "a": {"ü": "\\\\n\\n"}}', '123456789012345678901234567890.10', 'null', '"\\u00e9"', '[]', '1e400'),
    },
    { type: 'jsonpath', values: texts('$.a[*] ? (@ > 1)', 'strict $."x y"') },
    {
      type: 'tsvector',
      values: ["'a fat cat:3A,4'", "to_tsvector('pg_catalog.english', 'The quick brown foxes')", "''", `$$'it''s' 'b\\\\c'$$`],
    },
    { type: 'tsquery', values: ["'fat & (rat:ab | !cat) <2> dog'", "''"] },
  ],
  Bytes: [
    { type: 'bytea', values: ["'\\x00ff5c5c0a0d22'", "'\\x'", "decode(repeat('00ff', 100000), 'hex')", "'\\x5c2e'"] },
    { type: 'bit(5)', values: ["B'10101'", "B'00000'"] },
    { type: 'bit varying(70)', values: ["B'1'", "B''", `B'${'10'.repeat(35)}'`] },
    { type: 'uuid', values: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"] },
  ],
  Times: [
    { type: 'date', values: ["'0001-01-01'", "'9999-12-31'", "'1582-10-10'", "'2024-02-29'", "'1970-01-01'"] },
    {
      type: 'timestamp without time zone',
      values: ["'2024-03-31 02:30:00.000001'", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"],
    },
    { type: 'timestamp(0) without time zone', values: ["'2024-03-31 02:30:00.6'"] },
    { type: 'timestamp(3) without time zone', values: ["'2024-03-31 02:30:00.123'"] },
    {
      type: 'timestamp with time zone',
      values: [
        "'2024-10-27 02:30:00+02'",
        "'0001-01-01 00:00:00+00'",
        "'9999-12-31 23:59:59.999999+00'",
        "'1900-01-01 00:00:00.000001+05:45'",
        "'1969-12-31 23:59:59.000001+00'",
      ],
    },
    { type: 'time without time zone', values: ["'12:34:56.123456'", "'00:00:00'", "'24:00:00'"] },
    { type: 'time(1) without time zone', values: ["'12:34:56.7'"] },
    { type: 'time with time zone', values: ["'23:59:59.999999-12'", "'12:00+05:45'", "'24:00:00-15:59:59'"] },
    {
      type: 'interval',
      values: [
        "'1 mon'",
        "'30 days'",
        "'-1 year 2 mons -3 days 04:05:06.000007'",
        "'-1 days +00:00:00.000001'",
        "'0'",
        "'178000000 years'",
        "'-178000000 years -2147483648 days -2562047788:00:54.775807'",
      ],
      later: { since: 170_000, values: ["'infinity'", "'-infinity'"] },
    },
    { type: 'interval year to month', values: ["'1 year 2 mons'"] },
    { type: 'interval day to second(2)', values: ["'3 days 04:05:06.78'"] },
  ],
  Networks: [
    { type: 'inet', values: ["'10.0.0.1/8'", "'192.168.1.1'", "'::1'", "'::ffff:1.2.3.4/120'"] },
    { type: 'cidr', values: ["'10.0.0.0/8'", "'192.168.1.1/32'", "'2001:db8::/32'"] },
    { type: 'macaddr', values: ["'08:00:2b:01:02:03'"] },
    { type: 'macaddr8', values: ["'08:00:2b:01:02:03:04:05'"] },
  ],
  Geometry: [
    { type: 'point', values: ["'(1.5,-2)'", "'(NaN,Infinity)'", "'(-0,1e-300)'"] },
    { type: 'line', values: ["'{1,2,3}'"] },
    { type: 'lseg', values: ["'[(0,0),(1,1)]'"] },
    { type: 'box', values: ["'(1,1),(0,0)'"] },
    { type: 'path', values: ["'[(0,0),(1,1)]'", "'((0,0),(1,1))'"] },
    { type: 'polygon', values: ["'((0,0),(1,1),(1,0))'"] },
    { type: 'circle', values: ["'<(1,2),3>'"] },
  ],
  Ranges: [
    { type: 'int4range', values: ["'[1,10)'", "'empty'", "'(,)'", "'(,5]'"] },
    { type: 'int8range', values: ["'[-9223372036854775808,9223372036854775807)'"] },
    { type: 'numrange', values: ["'(1.00,2.50]'", "'[NaN,NaN]'"] },
    { type: 'tsrange', values: ["'[2024-01-01 00:00:00,infinity)'", "'[-infinity,0044-03-15 12:00:00 BC]'"] },
    { type: 'tstzrange', values: ["'[2024-01-01 00:00:00+00,infinity)'", '\'(,"2024-01-01 00:00:00+02"]\''] },
    { type: 'daterange', values: ["'[2024-01-01,infinity)'", "'(,infinity]'"] },
    { type: 'int4multirange', values: ["'{[1,3),[5,9)}'", "'{}'", "'{(,)}'"] },
    { type: 'int8multirange', values: ["'{[1,3)}'"] },
    { type: 'nummultirange', values: ["'{[1.0,1.00],(2,)}'"] },
    { type: 'tsmultirange', values: ["'{[2024-01-01 00:00,2024-01-02 00:00)}'"] },
    { type: 'tstzmultirange', values: ["'{[2024-01-01 00:00+00,infinity)}'"] },
    { type: 'datemultirange', values: ["'{[2024-01-01,2024-01-05),[infinity,]}'"] },
    { type: 'public.float_range', values: ["'[0.1,1e300]'", "'(,NaN)'"] },
    { type: 'public.float_ranges', values: ["'{[0.1,0.2],[5,)}'"] },
    { type: 'public.text_range', values: [`'["a,b","c""d\\\\"]'`, "'empty'"] },
  ],
  Arrays: [
    {
      type: 'integer[]',
      values: ["'[2:3]={7,8}'", "'{1,2,NULL}'", "'{}'", "'{{1,2},{3,4}}'", "'[0:1][-1:-1]={{1},{2}}'", "'{{{1}},{{2}}}'"],
    },
    { type: 'text[]', values: [`'{"a,b","c\\"d\\\\e",NULL,"NULL",""," ","{x}"}'`, 'E\'{"x\\ny"}\'', "'{{a},{b}}'"] },
    { type: 'boolean[]', values: ["'{t,f,NULL}'"] },
    { type: 'character(3)[]', values: ["'{a,abc,NULL}'"] },
    { type: 'double precision[]', values: ["'{-0,NaN,-Infinity,5e-324}'"] },
    { type: 'numeric(6,2)[]', values: ["'{1.10,NULL,NaN}'"] },
    { type: 'timestamp with time zone[]', values: ['\'{2024-01-01 00:00:00+00,infinity,"0044-03-15 00:00:00+00 BC"}\''] },
    { type: 'date[]', values: ["'{2024-01-01,-infinity}'"] },
    { type: 'interval[]', values: ["'{1 mon,30 days}'"] },
    { type: 'bytea[]', values: ["array['\\x00ff'::bytea, null]"] },
    { type: 'json[]', values: ['array[\'{"a":  1}\'::json, null]'] },
    { type: 'jsonb[]', values: ['array[\'{"a": 1}\'::jsonb, null]'] },
    { type: 'xml[]', values: ["array['<a/>'::xml, null]"] },
    { type: 'money[]', values: ["array['-12.34'::numeric::money]"] },
    { type: 'box[]', values: ["'{(1,1),(0,0);(2,2),(1,1)}'"] },
    { type: 'int4range[]', values: ['\'{"[1,2)",empty}\''] },
    { type: 'public.mood[]', values: [`'{sad,"ha ppy",NULL,"NULL","","it''s \\"so-so\\", {x}"}'`] },
    { type: 'public.pair[]', values: ["array[row(1, 'x,\"y')::public.pair, null, row(null, '')::public.pair]"] },
    { type: 'public.price[]', values: ["'{1.10,NULL}'"] },
    { type: 'public.numbers[]', values: ['array[array[1,2]::public.numbers, null]'] },
    { type: 'public.citext[]', values: ['\'{Abc,"a,b"}\''] },
    { type: 'int2vector', values: ["'1 2 -3'", "''"] },
    { type: 'oidvector', values: ["'1 2 4294967295'"] },
  ],
  'Own types': [
    { type: 'public.mood', values: [`'it''s "so-so", {x}'`, "'ha ppy'", "''", "E'tab\\tline\\n'", "'ünïcödé 🐘'", "'NULL'"] },
    { type: '"Odd ""Schema"", x"."Type ""of"". enum"', values: ["'B'"] },
    { type: 'public.pair', values: ["row(1, 'a,\"b')", "row(null, '')", 'row(null, null)', "row(2, E'x\\ny\\\\z')"] },
    {
      type: 'public.nest',
      values: [
        "row(row(1, 'a \"b\" \\c'), array[row(2, 'x,y')::public.pair, null], 'ha ppy', 'ab', 'infinity')",
        'row(null, null, null, null, null)',
        "row(row(null, null), '{}', null, '', '-infinity')",
      ],
    },
    { type: 'public.positive', values: ['1', '2147483647'] },
    { type: 'public.price', values: ['1.10'] },
    { type: 'public.loose', values: ["'NaN'", '1.000', "'Infinity'"] },
    { type: 'public.label', values: ["'tag'", "''"] },
    { type: 'public.padded', values: ["'ab'", "''"] },
    { type: 'public.stamp', values: ["'2024-01-01 00:00:00.000001+00'"] },
    { type: 'public.short_label', values: ["'abc'"] },
    { type: 'public.numbers', values: ["'[2:3]={7,8}'", "'{}'", "'{NULL}'"] },
    { type: 'public.good_pair', values: ["row(1, 'a,\"b')"] },
    { type: 'public.mine', values: ["'sad'", "''"] },
    { type: 'public.bits', values: ["B'101'"] },
    { type: 'public.span', values: ["'3 days 04:05:06.78'"] },
  ],
  Extensions: [
    { type: 'public.hstore', values: [`'"a b"=>"c\\"d", n=>NULL, e=>""'`, "''"] },
    { type: 'public.ltree', values: ["'Top.Science.Astronomy'", "''"] },
    { type: 'public.lquery', values: ["'*.Astro*@.!x{1,2}'"] },
    { type: 'public.ltxtquery', values: ["'Europe & Russia*@ & !Transport'"] },
    { type: 'public.cube', values: ["'(1,2),(3,4.5)'", "'(0)'"] },
    { type: 'public.seg', values: ["'5(+-)0.3'", "'1.00 .. 2.0'", "'<5'"] },
    { type: 'public.query_int', values: ["'1&(2|!3)'"] },
    { type: 'public.isbn', values: ["'978-1-58488-540-5'"] },
    { type: 'public.isbn13', values: ["'978-0-11-000533-1'"] },
    { type: 'public.ean13', values: ["'978-0-11-000533-1'"] },
    { type: 'public.issn', values: ["'1436-4522'"] },
    { type: 'public.upc', values: ["'220356483481'"] },
    { type: 'public.lo', values: ['16384'] },
  ],
  System: [
    { type: 'oid', values: ['4294967295', '0'] },
    { type: 'xid', values: ["'4294967295'"] },
    { type: 'cid', values: ["'4294967295'"] },
    { type: 'tid', values: ["'(4294967295,65535)'"] },
    { type: 'xid8', values: ["'18446744073709551615'"] },
    { type: 'pg_lsn', values: ["'16/B374D848'"] },
    { type: 'pg_snapshot', values: ["'10:20:10,14,15'"] },
    { type: 'txid_snapshot', values: ["'10:20:10,14,15'"] },
    { type: 'refcursor', values: ["'a cursor'"] },
    { type: 'aclitem', values: ["'pg_monitor=arwdDxt/pg_monitor'", "'=r/pg_monitor'"] },
    { type: 'regclass', values: ["'public.only_here'", "'pg_catalog.pg_class'", '0', '99999999'] },
    { type: 'regproc', values: ["'pg_catalog.now'"] },
    { type: 'regprocedure', values: ["'pg_catalog.abs(integer)'"] },
    { type: 'regoper', values: ["'pg_catalog.||/'"] },
    { type: 'regoperator', values: ["'pg_catalog.+(integer,integer)'"] },
    { type: 'regtype', values: ["'public.mood'", "'integer'"] },
    { type: 'regrole', values: ["'pg_monitor'"] },
    { type: 'regnamespace', values: ['\'"Odd ""Schema"", x"\''] },
    { type: 'regconfig', values: ["'pg_catalog.english'"] },
    { type: 'regdictionary', values: ["'pg_catalog.simple'"] },
    { type: 'regcollation', values: ['\'pg_catalog."C"\''] },
    { type: 'regclass[]', values: ["array['public.only_here', null]::regclass[]"] },
    { type: 'pg_node_tree', values: ["(SELECT adbin FROM pg_catalog.pg_attrdef WHERE adrelid = 'public.only_here'::regclass)"] },
  ],
};

/** Every type that a table of that server can store. */
export function zooTypes(version: number): readonly ZooType[] {
  return Object.entries(groups).flatMap(([group, types]) =>
    types.map((t) => ({
      ...t,
      group,
      values: t.later !== undefined && version >= t.later.since ? [...t.values, ...t.later.values] : t.values,
    })),
  );
}

/** Statements that make the table `public.zoo` with one column of each type (`t0`, `t1`, ...) and a row for each value. */
export function zooSql(types: readonly ZooType[]): readonly string[] {
  const most = Math.max(...types.map((t) => t.values.length));
  return [
    "SET search_path = ''; SET TimeZone = 'UTC'; SET lc_monetary = 'C'; SET IntervalStyle = 'postgres'; SET xmloption = content",
    zooTypesSql,
    'CREATE TABLE public.only_here (id integer DEFAULT 7)',
    `CREATE TABLE public.zoo (id integer PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now(), ${types.map((t, i) => `t${i} ${t.type}`).join(', ')})`,
    ...Array.from({ length: most + 1 }, (_, row) => {
      const given = types.map((t, i) => ({ name: `t${i}`, type: t.type, value: t.values[row] })).filter((v) => v.value !== undefined);
      const names = ['id', ...given.map((v) => v.name)];
      return `INSERT INTO public.zoo (${names.join(', ')}) SELECT ${[row, ...given.map((v) => `(${v.value})::${v.type}`)].join(', ')}`;
    }),
  ];
}
