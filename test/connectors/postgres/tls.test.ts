import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { connectionString, openSession } from '../../../connectors/postgres/connect.ts';
import { serverAccount } from '../../../connectors/postgres/embedded/account.ts';
import { parseUrl } from '../../../connectors/postgres/url.ts';
import type { DatabaseParameters } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { ownServer } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'engine-tls-'));
chmodSync(folder, 0o755);
const hasPsql = spawnSync('psql', ['--version']).status === 0;
let files: Certificates;
let server: Awaited<ReturnType<typeof ownServer>>;
let plain: Awaited<ReturnType<typeof ownServer>>;

const hba = `
hostssl all tlsonly 127.0.0.1/32 scram-sha-256
hostnossl all plainonly 127.0.0.1/32 scram-sha-256
hostssl all bycert 127.0.0.1/32 cert
host all engine 127.0.0.1/32 scram-sha-256
`;

async function parametersOf(where: typeof server, query: string, login = 'engine', host = 'localhost'): Promise<DatabaseParameters> {
  const { port, password } = await where.parameters();
  const secret = login === 'engine' ? (password ?? '') : 'pw-of-a-test';
  const parameters = parseUrl(
    `postgresql://${login}:${secret}@${host}:${port}/test?${query}`,
    { env: {}, root: folder, home: folder },
    () => undefined,
  );
  return parameters;
}

/** `tls`, `plain`, or the code of the error. */
async function byPg(parameters: DatabaseParameters): Promise<string> {
  try {
    const { client } = await openSession(parameters, 'tls');
    try {
      const { rows } = await client.query<{ ssl: boolean }>(
        'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()',
      );
      return rows[0]?.ssl === true ? 'tls' : 'plain';
    } finally {
      await client.end();
    }
  } catch (error) {
    if (error instanceof EngineError) return error.code;
    throw error;
  }
}

/** The same by libpq. */
function byLibpq(parameters: DatabaseParameters): string {
  const sql = 'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()';
  const env = { PATH: process.env.PATH, HOME: folder };
  const { status, stdout } = spawnSync('psql', ['-XAtc', sql, connectionString(parameters, 'tls', 180_000)], { encoding: 'utf8', env });
  return status === 0 ? (stdout.trim() === 't' ? 'tls' : 'plain') : 'refused';
}

async function outcome(parameters: DatabaseParameters): Promise<string> {
  const found = await byPg(parameters);
  if (hasPsql)
    assert.is(
      byLibpq(parameters),
      found.startsWith('postgres.') ? 'refused' : found,
      `libpq agrees on ${JSON.stringify({ ...parameters, password: '' })}`,
    );
  return found;
}

suite('TLS', (s) => {
  s.before(async () => {
    files = makeCertificates(folder, 'bycert');
    const account = await serverAccount(join(folder, 'none'), tmpdir());
    writeFileSync(join(folder, 'hba.conf'), hba);
    if (account !== undefined) chownSync(files.serverKey, account.uid, account.gid);
    server = await ownServer({
      ssl: 'on',
      ssl_cert_file: files.serverCert,
      ssl_key_file: files.serverKey,
      ssl_ca_file: files.authority,
      hba_file: join(folder, 'hba.conf'),
    });
    plain = await ownServer();
    const client = await server.client();
    await client.query(
      "CREATE ROLE tlsonly LOGIN PASSWORD 'pw-of-a-test'; CREATE ROLE plainonly LOGIN PASSWORD 'pw-of-a-test'; CREATE ROLE bycert LOGIN",
    );
    await client.end();
  });
  s.after(async () => {
    await server?.remove();
    await plain?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  s.test('disable, prefer and require mean what libpq means, on a server with TLS and on one without', async () => {
    assert.is(await outcome(await parametersOf(server, 'sslmode=disable')), 'plain');
    assert.is(await outcome(await parametersOf(server, 'sslmode=prefer')), 'tls');
    assert.is(await outcome(await parametersOf(server, 'sslmode=require')), 'tls');
    assert.is(await outcome(await parametersOf(plain, 'sslmode=disable')), 'plain');
    assert.is(await outcome(await parametersOf(plain, 'sslmode=prefer')), 'plain');
    assert.is(await outcome(await parametersOf(plain, 'sslmode=require')), 'postgres.no-tls');
  });

  s.test('verify-ca checks who signed, verify-full the name too', async () => {
    const good = `sslrootcert=${files.authority}`;
    const wrong = `sslrootcert=${files.otherAuthority}`;
    assert.is(await outcome(await parametersOf(server, `sslmode=verify-full&${good}`)), 'tls');
    assert.is(await outcome(await parametersOf(server, `sslmode=verify-full&${good}`, 'engine', '127.0.0.1')), 'postgres.certificate-name');
    assert.is(await outcome(await parametersOf(server, `sslmode=verify-ca&${good}`, 'engine', '127.0.0.1')), 'tls');
    assert.is(await outcome(await parametersOf(server, `sslmode=verify-ca&${wrong}`)), 'postgres.certificate');
    assert.is(await outcome(await parametersOf(server, `sslmode=verify-full&${wrong}`)), 'postgres.certificate');
    assert.is(await outcome(await parametersOf(plain, `sslmode=verify-ca&${good}`)), 'postgres.no-tls');
  });

  s.test('require with a root certificate checks who signed, as libpq does', async () => {
    assert.is(await outcome(await parametersOf(server, `sslmode=require&sslrootcert=${files.authority}`, 'engine', '127.0.0.1')), 'tls');
    assert.is(await outcome(await parametersOf(server, `sslmode=require&sslrootcert=${files.otherAuthority}`)), 'postgres.certificate');
  });

  s.test("prefer goes without TLS where the certificate does not fit or the server's rules ask for it", async () => {
    assert.is(await outcome(await parametersOf(server, `sslmode=prefer&sslrootcert=${files.otherAuthority}`)), 'plain');
    assert.is(await outcome(await parametersOf(server, 'sslmode=prefer', 'plainonly')), 'plain');
    assert.is(await outcome(await parametersOf(server, 'sslmode=prefer', 'tlsonly')), 'tls');
  });

  s.test('a login that the rules of the server refuse is told as such', async () => {
    assert.is(await outcome(await parametersOf(server, 'sslmode=disable', 'tlsonly')), 'postgres.login-refused');
    assert.is(await outcome(await parametersOf(server, 'sslmode=require', 'plainonly')), 'postgres.login-refused');
  });

  s.test("a client's certificate is shown to the server", async () => {
    const query = `sslmode=require&sslcert=${files.clientCert}&sslkey=${files.clientKey}`;
    assert.is(await outcome(await parametersOf(server, query, 'bycert')), 'tls');
    assert.ok((await outcome(await parametersOf(server, 'sslmode=require', 'bycert'))).startsWith('postgres.'));
  });

  if (!hasPsql) s.skip('libpq gives the same answers', 'psql is not on the PATH');
});
