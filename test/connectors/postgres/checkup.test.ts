import * as assert from 'uvu/assert';
import { checkup } from '../../../connectors/postgres/checkup.ts';
import { quoteIdentifier } from '../../../connectors/postgres/identifier.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import type { TableConfig } from '../../../engine/config.ts';
import type { Checkup } from '../../../engine/connector.ts';
import { tableOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase, testServer } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const scope = { root: '/nonexistent', clock: systemClock, engine: '0.0.0', log: () => undefined };

suite('checkup of a Postgres database', ({ test, before, after }) => {
  let database: TestDatabase;
  let reader: string;
  const password = 'doctor-pw-1';

  before(async () => {
    database = await freshDatabase('doctor');
    reader = `${database.name}_reader`;
    const client = await database.client();
    await client.query(`
      CREATE ROLE ${quoteIdentifier(reader)} LOGIN PASSWORD '${password}';
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
      CREATE FUNCTION frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := 'now'; RETURN NEW; END $$;
      CREATE TABLE good (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX ON good (updated_at);
      CREATE TRIGGER touch BEFORE UPDATE ON good FOR EACH ROW EXECUTE FUNCTION touch();
      CREATE TABLE bare (id bigint, updated_at timestamp);
      CREATE INDEX ON bare (updated_at) WHERE id > 5;
      CREATE TABLE off (LIKE good INCLUDING ALL);
      CREATE TRIGGER touch BEFORE UPDATE ON off FOR EACH ROW EXECUTE FUNCTION touch();
      ALTER TABLE off DISABLE TRIGGER touch;
      CREATE TABLE cold (LIKE good INCLUDING ALL);
      CREATE TRIGGER chill BEFORE UPDATE ON cold FOR EACH ROW EXECUTE FUNCTION frozen();
      CREATE TABLE numbered (id bigint PRIMARY KEY, updated_at bigint NOT NULL);
      CREATE INDEX ON numbered (updated_at);
      CREATE TABLE flagged (id bigint PRIMARY KEY, updated_at boolean NOT NULL);
      CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE loosely (id text COLLATE loose PRIMARY KEY);
      CREATE TABLE hidden (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL);
      ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
      GRANT SELECT ON good, hidden TO ${quoteIdentifier(reader)};
      GRANT SELECT (id) ON off TO ${quoteIdentifier(reader)};`);
    await client.end();
  });
  after(async () => {
    await database.drop();
    const client = await (await testServer()).client();
    try {
      await client.query(`DROP ROLE IF EXISTS ${quoteIdentifier(reader)}`);
    } finally {
      await client.end();
    }
  });

  const look = async (
    as: 'source' | 'sink',
    tables: readonly TableConfig[],
    options: { readonly url?: string; readonly incremental?: boolean; readonly schema?: string } = {},
  ): Promise<readonly Checkup[]> => {
    const server = openServer('production', { url: options.url ?? database.url }, scope);
    const given = tables.map((table) => ({ table, incremental: options.incremental ?? true }));
    try {
      return await checkup(server, options.schema ?? 'staging', { as, tables: given, signal: new AbortController().signal }, undefined);
    } finally {
      await server.close();
    }
  };
  const asReader = (): string => {
    const url = new URL(database.url);
    url.username = reader;
    url.password = password;
    return url.href;
  };
  const about = (found: readonly Checkup[], subject: string): string[] =>
    found.filter((one) => one.subject === subject).map((one) => `${one.outcome} ${one.message}`);

  test('a table with key, cursor, index and trigger is in order', async () => {
    const found = await look('source', [tableOf('good')]);
    assert.equal(about(found, 'public.good'), ['ok can be read; key, cursor, index and trigger are there']);
    assert.ok(found.every((one) => one.outcome !== 'fail'));
    assert.match(about(found, 'server')[0] ?? '', /^ok PostgreSQL 18\.\d+, database doctor_\w+, as engine$/);
  });

  test('no key, a cursor with NULLs and without zone, an index on a part of the rows, no trigger: each is named', async () => {
    const found = await look('source', [tableOf('bare', { key: undefined })]);
    const messages = about(found, 'public.bare').join('\n');
    assert.match(messages, 'fail it has no primary key, so changed rows cannot be merged');
    assert.match(messages, /warn its cursor updated_at is a timestamp without time zone; it is read as \w+/);
    assert.match(messages, 'warn its cursor updated_at may be NULL: such rows are read every time');
    assert.match(messages, 'warn no index begins with its cursor updated_at');
    assert.match(messages, 'warn no trigger sets its cursor updated_at');
    assert.ok(found.filter((one) => one.outcome !== 'ok').every((one) => one.hint !== undefined));
  });

  test('a table that is only taken in full needs no cursor', async () => {
    const found = await look('source', [tableOf('bare', { key: undefined, cursor: undefined })], { incremental: false });
    assert.equal(
      found.filter((one) => one.subject === 'public.bare').map((one) => one.outcome),
      ['warn'],
    );
  });

  test('a key with a nondeterministic collation is told, for staging holds it without', async () => {
    assert.equal(about(await look('source', [tableOf('loosely')], { incremental: false }), 'public.loosely'), [
      'warn its key column id has the nondeterministic collation loose, which staging is made without: keys that are equal here are two rows there',
    ]);
  });

  test('a lookback of nothing is told', async () => {
    const found = about(await look('source', [tableOf('good', { lookbackMs: 0 })]), 'public.good');
    assert.is(found.length, 1);
    assert.match(found[0] ?? '', /^warn its lookback is 0s/);
  });

  test("a disabled trigger, and one that uses the constant 'now', are told", async () => {
    const found = await look('source', [tableOf('off'), tableOf('cold')]);
    assert.match(about(found, 'public.off').join(), 'the trigger touch that sets its cursor updated_at is disabled');
    assert.match(about(found, 'public.cold').join(), "the trigger chill uses the constant 'now'");
  });

  test('a table that is not there, a cursor of a wrong type and a key of unknown columns are failures', async () => {
    const found = await look('source', [tableOf('nowhere'), tableOf('flagged'), tableOf('good', { key: ['nr'] })]);
    assert.match(about(found, 'public.nowhere').join(), 'fail there is no table public.nowhere');
    assert.match(about(found, 'public.flagged').join(), /fail the cursor "updated_at" of public\.flagged is of type boolean/);
    assert.match(about(found, 'public.good').join(), 'fail its key names columns that are not there: nr');
  });

  test('a cursor that is no time is told to have no fence', async () => {
    const found = about(await look('source', [tableOf('numbered')]), 'public.numbered');
    assert.is(found.length, 1);
    assert.match(found[0] ?? '', /^warn its cursor updated_at is no time, so there is no fence: a row that commits late/);
    const inTime = await look('source', [tableOf('numbered', { lookbackMs: 10_000 })]);
    assert.match(about(inTime, 'public.numbered').join(), 'a lookback of time cannot be taken off it');
  });

  test('a role without rights is told what to grant, and nothing is told of a password', async () => {
    const found = await look('source', [tableOf('good'), tableOf('bare'), tableOf('off'), tableOf('hidden')], {
      url: asReader(),
      incremental: false,
    });
    assert.match(found.find((one) => one.subject === 'rights')?.hint ?? '', `GRANT pg_read_all_stats TO "${reader}"`);
    assert.match(about(found, 'public.bare').join(), 'fail it may not be read');
    assert.equal(about(found, 'public.off'), ['fail columns may not be read: updated_at']);
    assert.match(about(found, 'public.hidden').join(), 'fail row level security hides rows');
    assert.equal(about(found, 'public.good'), ['ok can be read']);
    assert.not.match(JSON.stringify(found), password);
  });

  test('a prepared transaction is named with the statement that ends it', async () => {
    const client = await database.client();
    await client.query('BEGIN; INSERT INTO good VALUES (77)');
    await client.query(`PREPARE TRANSACTION 'left over'`);
    try {
      const found = await look('source', []);
      assert.match(about(found, 'prepared transaction').join(), "warn 'left over' of engine has been open since 20");
    } finally {
      await client.query(`ROLLBACK PREPARED 'left over'`);
      await client.end();
    }
  });

  test('a server that refuses is one failure, not an exception', async () => {
    const url = new URL(database.url);
    url.password = 'wrong-password';
    const found = await look('source', [tableOf('good')], { url: url.href });
    assert.equal(
      found.filter((one) => one.outcome !== 'ok').map((one) => [one.subject, one.outcome]),
      [['server', 'fail']],
    );
    assert.not.match(JSON.stringify(found), 'wrong-password');
  });

  test('a sink that the role may create in is in order, and nothing was made by looking', async () => {
    const found = await look('sink', [tableOf('good')]);
    assert.ok(found.every((one) => one.outcome === 'ok'));
    assert.equal(about(found, 'schema staging'), ['ok is not there yet; the first load makes it']);
    const client = await database.client();
    const { rows } = await client.query(`SELECT nspname FROM pg_namespace WHERE nspname IN ('staging', 'engine')`);
    await client.end();
    assert.equal(rows, []);
  });

  test('a sink without rights, and staging tables that cannot be loaded, are failures with the way out', async () => {
    const client = await database.client();
    await client.query(`
      CREATE SCHEMA marts;
      CREATE TABLE marts.parted (id bigint) PARTITION BY RANGE (id);
      CREATE TABLE marts.wanted (id bigint PRIMARY KEY);
      CREATE TABLE marts.pointing (id bigint REFERENCES marts.wanted);`);
    await client.end();
    const into = (name: string): TableConfig => tableOf(name, { into: { schema: 'marts', name } });
    const found = await look('sink', [into('parted'), into('wanted')], { schema: 'marts' });
    assert.match(about(found, 'marts.parted').join(), 'fail is no ordinary table');
    assert.match(about(found, 'marts.wanted').join(), 'fail foreign keys of marts.pointing point to it');
    const asOther = await look('sink', [into('wanted')], { schema: 'marts', url: asReader() });
    assert.match(about(asOther, 'schema marts').join(), 'fail no tables can be made in it');
    assert.match(about(asOther, 'schema engine').join(), 'fail is not there, and this role may not make it');
    assert.match(about(asOther, 'marts.wanted').join(), 'fail this role lacks SELECT, INSERT, UPDATE, TRUNCATE on it');
  });
});
