import { createHmac } from 'node:crypto';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../../connectors/postgres/identifier.ts';
import { readTable } from '../../../lake/log.ts';
import { differenceOf } from '../../support/compare.ts';
import { lakeRows } from '../../support/lake-rows.ts';
import { factsOf, type NodeRig, nodeRig, tableConfig } from '../../support/nodes.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { failureOf, take } from '../../support/take.ts';

const settings: Readonly<Record<string, string>> = {
  DateStyle: 'German, DMY',
  TimeZone: 'Asia/Kathmandu',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  xmloption: 'document',
  xmlbinary: 'hex',
  default_transaction_isolation: 'serializable',
  quote_all_identifiers: 'on',
  search_path: 'elsewhere, public',
  client_encoding: 'LATIN1',
  array_nulls: 'off',
  transform_null_equals: 'on',
  default_text_search_config: 'pg_catalog.german',
  lc_monetary: 'C.UTF-8',
  lc_time: 'C',
  row_security: 'on',
};

const columns = `id integer PRIMARY KEY, at timestamptz, local timestamp, day date, span interval, f float8, g real, b bytea, t text, x xml, m money, arr text[], "ü" text`;
const rows = `
  (1, '2024-03-31 02:30:00.000001+02', '2024-10-27 02:30', '2024-02-01', '1 year 2 mons -3 days 04:05:06.7', 0.1::float8 + 0.2::float8, 1.1, '\\x005c27ff', E'it''s \\\\ "é"', 'text <b/>', 12.5, '{a,NULL}', 'ü'),
  (2, '1900-01-01 00:00+00', '0001-01-01', '9999-12-31', '-1 mon', 5e-324, 1e-45, '\\x', '', '<a/>', -0.01, '{"NULL"}', 'NULL')`;

/** A database in an encoding of its own. */
async function encoded(
  like: TestDatabase,
  encoding: string,
): Promise<{ readonly url: string; client(): Promise<pg.Client>; drop(): Promise<void> }> {
  const name = `${like.name}_${encoding.toLowerCase()}`;
  const admin = await like.client();
  await admin.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ENCODING '${encoding}' LOCALE_PROVIDER libc LOCALE 'C'`);
  const url = like.url.replace(`/${like.name}?`, `/${name}?`);
  const { Client } = (await import('pg')).default;
  return {
    url,
    client: async () => {
      const client = new Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    drop: async () => void (await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)),
  };
}

async function through(rig: NodeRig, name: string, mode: 'full' | 'incremental' = 'full'): Promise<void> {
  const table = tableConfig(name, { cursor: 'at' });
  const [one] = await rig.extract(mode, [table]);
  if (one === undefined) throw new Error('nothing was extracted');
  factsOf(one.outcome);
  factsOf(await rig.load(mode, table));
}

suite('servers with other settings', ({ test, before, after }) => {
  let plain: TestDatabase;
  let odd: TestDatabase;
  let client: pg.Client;
  const oddSettings = async (of: TestDatabase): Promise<void> => {
    const admin = await plain.client();
    for (const [name, value] of Object.entries(settings))
      await admin.query(
        `ALTER DATABASE ${quoteIdentifier(of.name)} SET ${name} = ${name === 'search_path' || name === 'DateStyle' ? value : quoteLiteral(value)}`,
      );
  };
  before(async () => {
    plain = await freshDatabase('odd_plain');
    odd = await freshDatabase('odd_settings');
    for (const db of [plain, odd]) {
      const made = await db.client();
      await made.query(
        `SET lc_monetary = 'C'; SET TimeZone = 'UTC'; SET xmloption = content; CREATE TABLE public.t (${columns}); INSERT INTO public.t VALUES ${rows}`,
      );
    }
    await oddSettings(odd);
    client = await plain.client();
  });
  after(async () => {
    await plain.drop();
    await odd.drop();
  });

  const same = async (warehouse: TestDatabase): Promise<void> => {
    const to = await warehouse.client();
    await to.query("SET statement_timeout = 0; SET client_encoding = 'UTF8'; SET search_path = ''");
    const d = await differenceOf(client, { schema: 'public', name: 't' }, to, { schema: 'staging', name: 't' });
    assert.equal([d.rows, d.onlyLeft, d.onlyRight], [2, [], []]);
  };

  test('a source whose database has other styles, zone, digits, encoding and quoting of strings gives the same rows, in full and incrementally', async () => {
    const rig = await nodeRig({ source: odd.url, sink: plain.url });
    try {
      await through(rig, 't');
      await same(plain);
      await through(rig, 't', 'incremental');
      await same(plain);
    } finally {
      await rig.close();
    }
  });

  test('a warehouse with other styles, zone, digits, encoding and quoting of strings takes the same rows, in full and by a merge', async () => {
    const rig = await nodeRig({ source: plain.url, sink: odd.url });
    try {
      await through(rig, 't');
      await same(odd);
      await through(rig, 't', 'incremental');
      await same(odd);
    } finally {
      await rig.close();
    }
  });

  test('a role that is set read-only by default is a good source; as a warehouse it can be written to, because a load says READ WRITE', async () => {
    const role = `read_only_${process.pid}`;
    const admin = await plain.client();
    await admin.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'x'; ALTER ROLE ${role} SET default_transaction_read_only = on`);
    const at = new URL(plain.url);
    const url = `postgresql://${role}:x@${at.host}${at.pathname}?sslmode=disable`;
    const rig = await nodeRig({ source: url, sink: url });
    try {
      await admin.query('DROP SCHEMA IF EXISTS staging CASCADE; DROP SCHEMA IF EXISTS engine CASCADE');
      await through(rig, 't');
      await same(plain);
    } finally {
      await rig.close();
      await admin.query(`REASSIGN OWNED BY ${role} TO engine; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

suite('encodings', ({ test, before, after }) => {
  let db: TestDatabase;
  let client: pg.Client;
  before(async () => {
    db = await freshDatabase('encodings');
    client = await db.client();
  });
  after(() => db.drop());

  const odd = `id integer PRIMARY KEY, at timestamptz DEFAULT now(), t text, v varchar(9), c char(4), e text[]`;

  test('a source in LATIN1 arrives as UTF-8, in values, names and array elements', async () => {
    const latin = await encoded(db, 'LATIN1');
    const rig = await nodeRig({ source: latin.url, sink: db.url });
    try {
      const from = await latin.client();
      await from.query(`CREATE TABLE latin (${odd}, "größe" text); INSERT INTO latin VALUES (1, now(), 'é ÿ', 'ÄÖÜ', 'ß', '{"é",x}', '©')`);
      await through(rig, 'latin');
      assert.equal((await client.query('SELECT t, v, c, e, "größe" AS g FROM staging.latin')).rows, [
        { t: 'é ÿ', v: 'ÄÖÜ', c: 'ß   ', e: ['é', 'x'], g: '©' },
      ]);
      await from.end();
    } finally {
      await rig.close();
      await latin.drop();
    }
  });

  test('a warehouse in LATIN1 takes what it can hold; a character that it has not is a clear error, and nothing is loaded', async () => {
    const latin = await encoded(db, 'LATIN1');
    const rig = await nodeRig({ source: db.url, sink: latin.url });
    try {
      await client.query(
        `CREATE TABLE public.to_latin (${odd}); INSERT INTO public.to_latin VALUES (1, now(), 'é ÿ', 'ÄÖÜ', 'ß', '{"é"}')`,
      );
      await through(rig, 'to_latin');
      const to = await latin.client();
      assert.equal((await to.query('SELECT t, v FROM staging.to_latin')).rows, [{ t: 'é ÿ', v: 'ÄÖÜ' }]);
      await client.query(`INSERT INTO public.to_latin VALUES (2, now(), 'Ω 漢', '', '', '{}')`);
      const table = tableConfig('to_latin', { cursor: 'at' });
      const [one] = await rig.extract('full', [table]);
      if (one === undefined) throw new Error('nothing was extracted');
      factsOf(one.outcome);
      const load = await rig.load('full', table);
      if (load.kind !== 'failed') throw new Error('it was taken');
      assert.ok(
        /character with byte sequence .* in encoding "UTF8" has no equivalent in encoding "LATIN1"/.test(load.error.message),
        load.error.message,
      );
      assert.ok(/UTF8/.test(load.error.hint ?? ''), load.error.hint);
      assert.equal((await to.query('SELECT count(*)::int AS n FROM staging.to_latin')).rows, [{ n: 1 }]);
      await to.end();
    } finally {
      await rig.close();
      await latin.drop();
    }
  });

  test('a source in SQL_ASCII that holds valid UTF-8 arrives as it is; bytes that are none fail by the name of the table, and nothing is committed', async () => {
    const ascii = await encoded(db, 'SQL_ASCII');
    const rig = await nodeRig({ source: ascii.url, sink: db.url });
    try {
      const from = await ascii.client();
      await from.query("SET client_encoding = 'UTF8'");
      await from.query(
        `CREATE TABLE ascii (${odd}, "größe" text); INSERT INTO ascii VALUES (1, now(), 'é Ω 漢 🐘', 'ÄÖÜ', 'ß', '{"é"}', '©')`,
      );
      await through(rig, 'ascii');
      assert.equal((await client.query('SELECT t, v, e, "größe" AS g FROM staging.ascii')).rows, [
        { t: 'é Ω 漢 🐘', v: 'ÄÖÜ', e: ['é'], g: '©' },
      ]);
      const before = (await readTable(rig.lake, 'ascii')).version;
      for (const [column, value] of [
        ['t', "E'caf\\xe9'"],
        ['v', "E'\\xc0\\x80'"],
        ['e', "ARRAY[E'\\xed\\xa0\\x80']"],
      ] as const) {
        await from.query(`INSERT INTO ascii (id, ${column}) VALUES (7, ${value})`);
        const [one] = await rig.extract('full', [tableConfig('ascii', { cursor: 'at' })]);
        if (one?.outcome.kind !== 'failed') throw new Error(`${value} was taken`);
        const { code, message, hint } = one.outcome.error;
        assert.is(code, 'postgres.encoding', message);
        assert.ok(message.startsWith('extracting public.ascii: invalid byte sequence for encoding "UTF8"'), message);
        assert.ok(hint?.includes('columns.exclude'), hint);
        assert.is((await readTable(rig.lake, 'ascii')).version, before);
        await from.query('DELETE FROM ascii WHERE id = 7');
      }
      await from.end();
    } finally {
      await rig.close();
      await ascii.drop();
    }
  });

  test('masked: the hash is that of the text in UTF-8, whatever the encoding of the source; bytes that are no text are not shown', async () => {
    const salt = 'a salt of good length';
    const columns = { include: undefined, exclude: [], rename: {}, types: {}, mask: { email: 'hash' } } as const;
    const people = tableConfig('people', { cursor: undefined, columns });
    for (const encoding of ['LATIN1', 'SQL_ASCII']) {
      const odd = await encoded(db, encoding);
      const rig = await nodeRig({ source: odd.url });
      try {
        const session = await odd.client();
        await session.query(
          "SET client_encoding = 'UTF8'; CREATE TABLE public.people (id int PRIMARY KEY, email text); INSERT INTO public.people VALUES (1, 'café')",
        );
        await take(rig, people, 'full', { maskSalt: salt });
        const [row] = await lakeRows(rig.lake, 'people', 'SELECT email FROM files');
        assert.is(row?.email, createHmac('sha256', salt).update('café').digest('hex'), encoding);
        if (encoding === 'SQL_ASCII') {
          await session.query("INSERT INTO public.people VALUES (2, E'caf\\xe9 secret')");
          const failed = await failureOf(rig, people, 'full', { maskSalt: salt });
          assert.is(failed.code, 'postgres.encoding');
          assert.not.match(JSON.stringify(failed), /caf|secret|0xe9/);
          assert.match(failed.hint ?? '', /no UTF-8/);
        }
        await session.end();
      } finally {
        await rig.close();
        await odd.drop();
      }
    }
  });

  test('a warehouse in SQL_ASCII takes UTF-8 as it is', async () => {
    const ascii = await encoded(db, 'SQL_ASCII');
    const rig = await nodeRig({ source: db.url, sink: ascii.url });
    try {
      await client.query(
        `CREATE TABLE public.to_ascii (${odd}); INSERT INTO public.to_ascii VALUES (1, now(), 'é Ω 漢 🐘', 'ÄÖÜ', 'ß', '{"é"}')`,
      );
      await through(rig, 'to_ascii');
      const to = await ascii.client();
      assert.equal((await to.query("SELECT encode(t::bytea, 'hex') AS t, encode(v::bytea, 'hex') AS v FROM staging.to_ascii")).rows, [
        { t: Buffer.from('é Ω 漢 🐘').toString('hex'), v: Buffer.from('ÄÖÜ').toString('hex') },
      ]);
      assert.equal(
        (await lakeRows(rig.lake, 'to_ascii', 'SELECT t FROM files')).map((r) => r.t),
        ['é Ω 漢 🐘'],
      );
      await to.end();
    } finally {
      await rig.close();
      await ascii.drop();
    }
  });
});
