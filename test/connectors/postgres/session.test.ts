import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../../connectors/postgres/identifier.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import type { PostgresServer } from '../../../connectors/postgres/server.ts';
import { settingsOptions } from '../../../connectors/postgres/session.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const hasPsql = spawnSync('psql', ['--version']).status === 0;
let database: TestDatabase;

function serverOf(url: string): PostgresServer {
  return openServer('test', { url }, { root: '/', clock: systemClock, engine: '0.0.0', log: () => undefined });
}

/** The URL of the test's database for another login. */
function urlFor(user: string, password: string, more = ''): string {
  const { host, port } = database.parameters;
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database.name}?sslmode=disable${more}`;
}

async function refusal(url: string): Promise<EngineError> {
  try {
    const client = await serverOf(url).connect('refused');
    await client.end();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the server let it in');
}

async function withRole(password: string, body: (role: string, admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = await database.client();
  const role = `${database.name}_Odd "role"`;
  await admin.query(`CREATE ROLE ${quoteIdentifier(role)} LOGIN PASSWORD ${quoteLiteral(password)}`);
  try {
    await body(role, admin);
  } finally {
    await admin.query(`DROP ROLE ${quoteIdentifier(role)}`);
    await admin.end();
  }
}

const asked = `SELECT current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('extra_float_digits'),
  current_setting('bytea_output'), current_setting('lc_monetary'), current_setting('xmloption'), current_setting('row_security'), current_schemas(false)::text,
  current_setting('client_encoding'), current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'),
  current_setting('idle_session_timeout'), current_setting('transaction_timeout'), current_setting('application_name')`;
const wanted = ['UTC', 'ISO, MDY', 'postgres', '3', 'hex', 'C', 'content', 'off', '{}', 'UTF8', '0', '0', '0', '0', '0', 'engine a label'];
const hostile = `SET TimeZone = 'America/New_York'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 0; SET bytea_output = 'escape';
  SET xmloption = document; SET row_security = on; SET search_path = public; SET client_encoding = 'LATIN1'; SET statement_timeout = 5000; SET lock_timeout = 5000;
  SET idle_in_transaction_session_timeout = 5000; SET idle_session_timeout = 5000; SET transaction_timeout = 5000`;

suite('sessions', (s) => {
  s.before(async () => {
    database = await freshDatabase('session');
  });
  s.after(() => database.drop());

  s.test("the engine's settings are in force whatever the role's defaults are, by pg and by a connection string", async () => {
    await withRole('plain-password', async (role, admin) => {
      for (const setting of hostile.split(';'))
        await admin.query(`ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(database.name)} ${setting.trim()}`);
      const server = serverOf(urlFor(role, 'plain-password'));
      const client = await server.connect('a label');
      const { rows } = await client.query({ text: asked, rowMode: 'array' });
      await client.end();
      assert.equal(rows[0], wanted);
      if (hasPsql) {
        const env = { PATH: process.env.PATH, PGHOSTADDR: '192.0.2.1', PGUSER: 'nobody' };
        const { stdout, stderr } = spawnSync('psql', ['-XAtc', asked, await server.connectionString('a label')], { encoding: 'utf8', env });
        assert.is(stdout.trim(), wanted.join('|'), stderr);
      }
    });
  });
  if (!hasPsql) s.skip('a connection string works in libpq', 'psql is not on the PATH');

  s.test('settings ride in options with their spaces and backslashes', async () => {
    const options = settingsOptions({ 'engine.test': 'a b\\c  d', search_path: '' });
    const client = new pg.Client({ ...database.parameters, ssl: false, options });
    await client.connect();
    const { rows } = await client.query("SELECT current_setting('engine.test') AS text");
    await client.end();
    assert.is(rows[0].text, 'a b\\c  d');
  });

  s.test('odd passwords log in by pg and by a connection string', async () => {
    for (const password of ['p@ss:w/rd', 'quote\'back\\slash"', 'späce and €', '%41%', '$(x) `y` #?&=+']) {
      await withRole(password, async (role) => {
        const server = serverOf(urlFor(role, password));
        const client = await server.connect('odd');
        await client.end();
        if (!hasPsql) return;
        const { status, stderr } = spawnSync('psql', ['-XAtc', 'SELECT 1', await server.connectionString('odd')], { encoding: 'utf8' });
        assert.is(status, 0, `${password}: ${stderr}`);
      });
    }
  });

  s.test('a wrong password, no password, an unknown role and an unknown database are told apart, without the password', async () => {
    await withRole('right-password', async (role, admin) => {
      const wrong = await refusal(urlFor(role, 'wrong-password-9'));
      assert.equal([wrong.code, wrong.trouble, wrong.retryable], ['postgres.password', 'outside', false]);
      assert.not.ok(`${wrong.message} ${wrong.hint} ${wrong.stack}`.includes('wrong-password-9'));
      const none = await refusal(urlFor(role, '').replace(':@', '@'));
      assert.is(none.code, 'postgres.password');
      assert.match(none.message, /: the server asks for a password, and none is given$/);
      assert.is(
        (await refusal(urlFor(role, 'right-password').replace(`/${database.name}?`, '/no_such_database?'))).code,
        'postgres.no-database',
      );
      await admin.query(`ALTER ROLE ${quoteIdentifier(role)} CONNECTION LIMIT 0`);
      const full = await refusal(urlFor(role, 'right-password'));
      assert.equal([full.code, full.retryable], ['postgres.too-many-connections', true]);
    });
  });

  s.test('a wrong URL is told with the name that it has in the configuration', async () => {
    const wrong = await refusal('postgresql://me@db.example.com/app?sslmode=maybe');
    assert.is(wrong.code, 'postgres.url');
    assert.match(wrong.message, /^test: sslmode=maybe is unknown/);
  });

  s.test('a port where nobody listens, a host that does not exist and a server that says nothing are told apart', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      assert.is((await refusal(`postgresql://u:p@127.0.0.1:${port}/d?connect_timeout=1`)).code, 'postgres.timeout');
    } finally {
      silent.close();
    }
    const refused = await refusal(`postgresql://u:secret-pw@127.0.0.1:${port}/d`);
    assert.equal([refused.code, refused.trouble, refused.retryable], ['postgres.refused', 'outside', true]);
    assert.match(refused.message, `127.0.0.1:${port}`);
    assert.is((await refusal('postgresql://u:p@no-such-host.invalid/d?connect_timeout=5')).code, 'postgres.unknown-host');
    const folder = mkdtempSync(join(tmpdir(), 'engine-socket-'));
    assert.is((await refusal(`postgresql://u:p@${encodeURIComponent(folder)}/d`)).code, 'postgres.refused');
    rmSync(folder, { recursive: true });
  });

  s.test('a session that is ended between two queries does not end the process', async () => {
    const client = await serverOf(database.url).connect('ended');
    const ended = new Promise((resolve) => client.once('end', resolve));
    const { rows } = await client.query('SELECT pg_catalog.pg_backend_pid() AS pid');
    const admin = await database.client();
    await admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
    await admin.end();
    await ended;
    const error = await client.query('SELECT 1').then(
      () => undefined,
      (e: unknown) => e,
    );
    assert.instance(error, Error);
  });

  s.test('nothing is asked of a server before it is used', async () => {
    const server = serverOf('postgresql://u@127.0.0.1:1/d?sslmode=nonsense');
    await server.close();
    assert.is(((await server.parameters().catch((e: EngineError) => e)) as EngineError).code, 'postgres.url');
  });
});
