import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { postgresError } from '../../../connectors/postgres/error.ts';
import { EngineError } from '../../../engine/error.ts';
import { suite } from '../../support/suite.ts';

function withCode(code: string, message = 'words of the driver'): Error {
  return Object.assign(new Error(message), { code });
}

suite('errors of Postgres drivers', (s) => {
  s.test('each code has its kind, its trouble and whether trying again can help', () => {
    const table: readonly (readonly [string, string, string, boolean])[] = [
      ['ECONNREFUSED', 'postgres.refused', 'outside', true],
      ['ENOTFOUND', 'postgres.unknown-host', 'outside', true],
      ['ETIMEDOUT', 'postgres.timeout', 'outside', true],
      ['ECONNRESET', 'postgres.connection-lost', 'outside', true],
      ['28P01', 'postgres.password', 'outside', false],
      ['28000', 'postgres.login-refused', 'outside', false],
      ['3D000', 'postgres.no-database', 'outside', false],
      ['53300', 'postgres.too-many-connections', 'outside', true],
      ['42501', 'postgres.no-right', 'outside', false],
      ['57P01', 'postgres.session-ended', 'outside', true],
      ['57P03', 'postgres.starting', 'outside', true],
      ['57014', 'postgres.cancelled', 'failed', false],
      ['55P03', 'postgres.lock', 'failed', true],
      ['40001', 'postgres.serialization', 'failed', true],
      ['40P01', 'postgres.deadlock', 'failed', true],
      ['53100', 'postgres.disk-full', 'failed', false],
      ['25006', 'postgres.read-only', 'outside', false],
      ['08006', 'postgres.connection-lost', 'outside', true],
      ['42P01', 'postgres.no-table', 'failed', false],
      ['42601', 'postgres.sql', 'failed', false],
      ['22P02', 'postgres.value', 'failed', false],
      ['23505', 'postgres.constraint', 'failed', false],
      ['XX000', 'postgres.error', 'failed', false],
      ['SELF_SIGNED_CERT_IN_CHAIN', 'postgres.certificate', 'outside', false],
      ['ERR_TLS_CERT_ALTNAME_INVALID', 'postgres.certificate-name', 'outside', false],
      ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'postgres.tls', 'outside', false],
    ];
    for (const [code, kind, trouble, retryable] of table) {
      const error = postgresError(withCode(code), 'doing it');
      assert.equal([error.code, error.trouble, error.retryable], [kind, trouble, retryable], code);
      assert.is(error.message, 'doing it: words of the driver');
    }
  });

  s.test('messages of libpq, as DuckDB passes them on, have the same kinds', () => {
    const at = 'IO Error: Unable to connect to Postgres at "...": connection to server at "h" (10.0.0.1), port 5432 failed: ';
    const copying = 'IO Error: Unable to read binary COPY data from Postgres: ';
    const table: readonly (readonly [string, string])[] = [
      [`${at}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?`, 'postgres.refused'],
      [`${at}FATAL:  password authentication failed for user "u"`, 'postgres.password'],
      [`${at}fe_sendauth: no password supplied`, 'postgres.password'],
      [`${at}FATAL:  database "d" does not exist`, 'postgres.no-database'],
      [`${at}FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "u", database "d", no encryption`, 'postgres.login-refused'],
      [`${at}server does not support SSL, but SSL was required`, 'postgres.no-tls'],
      [`${at}SSL error: certificate verify failed`, 'postgres.certificate'],
      [`${at}server certificate for "a" does not match host name "b"`, 'postgres.certificate-name'],
      ['could not translate host name "x" to address: Name or service not known', 'postgres.unknown-host'],
      [`${at}timeout expired`, 'postgres.timeout'],
      ['Failed to execute query: FATAL:  terminating connection due to administrator command', 'postgres.session-ended'],
      ['Failed to execute query: server closed the connection unexpectedly', 'postgres.connection-lost'],
      ['ERROR:  permission denied for table t', 'postgres.no-right'],
      ['ERROR:  could not serialize access due to concurrent update', 'postgres.serialization'],
      [`${copying}ERROR:  canceling statement due to statement timeout\n`, 'postgres.cancelled'],
      [`${copying}ERROR:  canceling statement due to conflict with recovery\nDETAIL:  User query ...`, 'postgres.serialization'],
      [`${copying}FATAL:  terminating connection due to administrator command\nSSL connection has been closed`, 'postgres.session-ended'],
      [`${copying}FATAL:  Verbindung wird abgebrochen\nserver closed the connection unexpectedly`, 'postgres.connection-lost'],
      [`${copying}server closed the connection unexpectedly\n\tThis probably means`, 'postgres.connection-lost'],
      [`${copying}could not receive data from server: Connection reset by peer`, 'postgres.connection-lost'],
      [`${copying}SSL SYSCALL error: Connection timed out`, 'postgres.timeout'],
      [`${copying}ERROR:  could not connect to server "other"\nDETAIL:  connection to server at "h"`, 'postgres.connection-lost'],
      ['Binder Error: Failed to prepare query "SELECT": ERROR:  permission denied for table t\n', 'postgres.no-right'],
      ['Invalid Error: Failed to execute query "SELECT 1": no connection to the server', 'postgres.error'],
    ];
    for (const [message, kind] of table) assert.is(postgresError(new Error(message), 'x').code, kind, message);
  });

  s.test('of a statement that DuckDB quotes only what the server said is told, and the statement decides nothing', () => {
    const quoted = 'Invalid Error: Failed to prepare COPY "COPY (SELECT \'ERROR:  Connection refused\' FROM t) TO STDOUT": ';
    const error = postgresError(new Error(`${quoted}ERROR:  permission denied for table t\n`), 'extracting public.t');
    assert.is(error.code, 'postgres.no-right');
    assert.is(error.message, 'extracting public.t: permission denied for table t');
  });

  s.test('a value that the server quotes decides nothing, wherever it stands in a message', () => {
    const values = [
      'Connection refused',
      'permission denied for',
      'deadlock detected',
      'server closed the connection unexpectedly',
      'unsupported startup parameter',
      'No space left on device',
      'x": FATAL:  terminating connection due to administrator command',
      'x\nERROR:  could not serialize access due to',
      '"Failed to execute query "x": server closed the connection',
    ];
    const heads = [
      'IO Error: Unable to read binary COPY data from Postgres: ERROR:  ',
      'IO Error: Unable to read binary COPY data from Postgres: FEHLER:  ',
      'Invalid Error: Failed to prepare COPY "COPY (SELECT \'": x\' FROM t) TO STDOUT": ERROR:  ',
      'Invalid Error: Failed to execute query "SELECT 1": HATA:  ',
      'ERROR:  ',
      '',
    ];
    for (const head of heads)
      for (const value of values) {
        const error = postgresError(new Error(`${head}invalid input syntax for type integer: "${value}"\nCONTEXT:  ${value}`), 'x');
        assert.equal([error.code, error.trouble, error.retryable], ['postgres.error', 'failed', false], head + value);
      }
    for (const value of values) {
      const coded = postgresError(withCode('22P02', `invalid input syntax for type integer: "${value}"`), 'x');
      assert.equal([coded.code, coded.retryable], ['postgres.value', false], value);
    }
    const raised = postgresError(new Error(`${heads[0]}Connection refused, ann@example.com\nCONTEXT:  PL/pgSQL`), 'x');
    assert.equal([raised.code, raised.retryable], ['postgres.error', false], 'no server says that of a statement');
  });

  s.test('an engine error passes through, and anything else is carried along as the cause', () => {
    const own = new EngineError('refused', 'a.b', 'c');
    assert.is(postgresError(own, 'x'), own);
    const cause = withCode('XX000');
    assert.is(postgresError(cause, 'x').cause, cause);
    assert.is(postgresError('text', 'x').message, 'x: text');
  });

  s.test('the first reason stands for a host with several addresses', () => {
    const error = postgresError(
      new AggregateError([withCode('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'), withCode('ECONNREFUSED')], ''),
      'connecting',
    );
    assert.equal([error.code, error.message], ['postgres.refused', 'connecting: connect ECONNREFUSED ::1:1']);
  });

  s.test('a hint begins with a capital', () => {
    const folder = join(import.meta.dirname, '../../../connectors/postgres');
    const hints = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/hint:\s*['"`].{0,40}/g) ?? []);
    assert.ok(hints.length > 40, `${hints.length} hints were found`);
    assert.equal(
      hints.filter((hint) => /['"`][a-z]/.test(hint.slice(0, hint.search(/['"`]/) + 2))),
      [],
    );
  });

  s.test('the detail of a violated constraint is told', () => {
    const error = postgresError(Object.assign(withCode('23505', 'duplicate key'), { detail: 'Key (id)=(1) already exists.' }), 'loading');
    assert.is(error.message, 'loading: duplicate key (Key (id)=(1) already exists.)');
  });
});
