import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseUrl } from '../../../connectors/postgres/url.ts';
import { redact } from '../../../engine/base/secret.ts';
import type { DatabaseParameters } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import { suite } from '../../support/suite.ts';

const home = mkdtempSync(join(tmpdir(), 'engine-url-'));
const warnings: string[] = [];

function parse(url: string, env: Record<string, string> = {}): DatabaseParameters {
  return parseUrl(url, { env, root: home, home }, (text) => warnings.push(text));
}

function refusal(url: string, env: Record<string, string> = {}): EngineError {
  try {
    parse(url, env);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

suite('Postgres URLs', (s) => {
  s.after(() => rmSync(home, { recursive: true }));

  s.test('both schemes and all parts are read', () => {
    for (const scheme of ['postgres', 'postgresql'])
      assert.equal(parse(`${scheme}://bob:secret-1@db.example:6543/sales?sslmode=require&connect_timeout=7&application_name=x`), {
        host: 'db.example',
        port: 6543,
        user: 'bob',
        password: 'secret-1',
        database: 'sales',
        sslmode: 'require',
        sslrootcert: undefined,
        sslcert: undefined,
        sslkey: undefined,
        connectTimeoutMs: 7000,
      });
  });

  const passwords: readonly (readonly [string, string])[] = [
    ['p%40ss', 'p@ss'],
    ['a%3Ab%2Fc%3Fd%23e%25f', 'a:b/c?d#e%f'],
    ['with:colon', 'with:colon'],
    ['with@at', 'with@at'],
    ['with/slash', 'with/slash'],
    ['a@b:c/d', 'a@b:c/d'],
    ['12/34', '12/34'],
    ['what?ever', 'what?ever'],
    ['sharp#one', 'sharp#one'],
    ['plus+stays', 'plus+stays'],
    ['%C3%A9%20%E2%82%AC', 'é €'],
    ["quote'back\\slash", "quote'back\\slash"],
  ];
  s.test('passwords with odd characters are read, percent-encoded or as they are', () => {
    for (const [written, meant] of passwords) {
      const found = parse(`postgresql://bob:${written}@db.example:5433/sales?sslmode=disable`);
      assert.is(found.password, meant, written);
      assert.equal([found.host, found.port, found.user, found.database], ['db.example', 5433, 'bob', 'sales'], written);
    }
  });

  s.test('an @ in the query belongs to the query', () => {
    const file = join(home, 'a@b.crt');
    writeFileSync(file, '');
    const found = parse(`postgresql://u:pw1@h/d?sslmode=verify-ca&sslrootcert=${file}`);
    assert.equal([found.host, found.database, found.sslrootcert], ['h', 'd', file]);
  });

  s.test('addresses, sockets and hosts in the query are read', () => {
    assert.equal([parse('postgresql://u@[::1]:6000/d').host, parse('postgresql://u@[::1]:6000/d').port], ['::1', 6000]);
    assert.is(parse('postgresql://u@%2Fvar%2Frun/d').host, '/var/run');
    const socket = parse('postgresql:///d?host=/var/run&port=6001&user=u&sslmode=require');
    assert.equal([socket.host, socket.port, socket.user, socket.sslmode], ['/var/run', 6001, 'u', 'disable']);
    assert.is(parse('postgresql://u@h').database, 'u', 'the database defaults to the user');
  });

  s.test('PG* variables give what the URL leaves out, and no more', () => {
    const env = {
      PGHOST: 'eh',
      PGPORT: '7000',
      PGUSER: 'eu',
      PGPASSWORD: 'ep-1',
      PGDATABASE: 'ed',
      PGSSLMODE: 'disable',
      PGCONNECT_TIMEOUT: '3',
    };
    const left = parse('postgresql://', env);
    assert.equal(
      [left.host, left.port, left.user, left.password, left.database, left.sslmode, left.connectTimeoutMs],
      ['eh', 7000, 'eu', 'ep-1', 'ed', 'disable', 3000],
    );
    const said = parse('postgresql://u:pw2@h:1/d?sslmode=prefer&connect_timeout=0', env);
    assert.equal(
      [said.host, said.port, said.user, said.password, said.database, said.sslmode, said.connectTimeoutMs],
      ['h', 1, 'u', 'pw2', 'd', 'prefer', 0],
    );
  });

  s.test('the password file is asked last: first line that fits, escapes, and a socket as localhost', () => {
    const file = join(home, '.pgpass');
    const lines = [
      '# a comment',
      'other:5432:d:u:no',
      'h:5432:*:u:first\\:with\\\\escapes',
      'h:*:*:*:second',
      'localhost:5432:d:u:by-socket',
      'a\\:b:5432:d:u:colon-host',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    chmodSync(file, 0o600);
    assert.is(parse('postgresql://u@h/d').password, 'first:with\\escapes');
    assert.is(parse('postgresql://x@h:9/d').password, 'second');
    assert.is(parse('postgresql://u@%2Ftmp/d').password, 'by-socket');
    assert.is(parse('postgresql://u@nowhere/d').password, undefined);
    assert.is(parse('postgresql://u@h/d', { PGPASSWORD: 'from-env' }).password, 'from-env');
    const elsewhere = join(home, 'pass');
    writeFileSync(elsewhere, '*:*:*:*:elsewhere');
    chmodSync(elsewhere, 0o600);
    assert.is(parse('postgresql://u@h/d', { PGPASSFILE: elsewhere }).password, 'elsewhere');
  });

  s.test('a password file that others can read is not used, and said so', () => {
    const file = join(home, 'open-pass');
    writeFileSync(file, '*:*:*:*:visible');
    chmodSync(file, 0o640);
    assert.is(parse('postgresql://u@h/d', { PGPASSFILE: file }).password, undefined);
    assert.ok(warnings.at(-1)?.includes(file));
  });

  s.test('sslmode and its files mean what libpq means', () => {
    assert.is(parse('postgresql://u@h/d').sslmode, 'prefer');
    assert.is(parse('postgresql://u@h/d?sslmode=allow').sslmode, 'prefer');
    assert.is(parse('postgresql://u@h/d?ssl=true').sslmode, 'require');
    const system = parse('postgresql://u@h/d?sslrootcert=system');
    assert.equal([system.sslmode, system.sslrootcert], ['verify-full', 'system']);
    assert.match(refusal('postgresql://u@h/d?sslrootcert=system&sslmode=require').message, /system/);
    assert.match(refusal('postgresql://u@h/d?sslmode=verify-full').message, /root\.crt/);
    assert.match(refusal('postgresql://u@h/d?sslrootcert=none.pem').message, /no file .*none\.pem/);
    assert.match(refusal('postgresql://u@h/d?sslmode=verify').message, /sslmode=verify is unknown/);
    writeFileSync(join(home, 'ca.pem'), '');
    assert.is(parse('postgresql://u@h/d?sslmode=verify-full&sslrootcert=ca.pem').sslrootcert, join(home, 'ca.pem'));
    writeFileSync(join(home, 'c.crt'), '');
    writeFileSync(join(home, 'c.key'), '', { mode: 0o644 });
    assert.match(refusal('postgresql://u@h/d?sslcert=c.crt&sslkey=c.key').message, /read by others/);
    assert.match(refusal('postgresql://u@h/d?sslcert=c.crt').message, /no sslkey/);
  });

  s.test('odd URLs are refused with a hint and without their password', () => {
    const urls = [
      'mysql://bob:hidden-7@h/d',
      'bob:hidden-7@h/d',
      'postgresql://bob:hidden-7@h1,h2/d',
      'postgresql://bob:hidden-7@h:1,h2:2/d',
      'postgresql://bob:hidden-7@h:99999/d',
      'postgresql://bob:hidden-7@h:port/d',
      'postgresql://bob:hidden-7%zz@h/d',
      'postgresql://bob:hidden-7@h/d?sslmod=require',
      'postgresql://bob:hidden-7@h/d?schema=public',
      'postgresql://bob:hidden-7@h/d?options=-csearch_path%3Dx',
      'postgresql://bob:hidden-7@h/d?hostaddr=10.0.0.1',
      'postgresql://bob:hidden-7@h/d?connect_timeout=soon',
      'postgresql://bob:hidden-7@h/d?target_session_attrs=read-write',
    ];
    for (const url of urls) {
      const error = refusal(url);
      assert.is(error.code, 'postgres.url', url);
      assert.is(error.trouble, 'usage', url);
      assert.ok((error.hint ?? '').length > 10, url);
      assert.not.ok(`${error.message} ${error.hint}`.includes('hidden-7'), url);
    }
    assert.match(refusal('postgresql://h/d?sslmod=require').hint ?? '', /sslmode/);
  });

  s.test('variables that only some drivers read are refused', () => {
    assert.match(refusal('postgresql://u@h/d', { PGHOSTADDR: '10.0.0.1' }).message, /PGHOSTADDR/);
    assert.match(refusal('postgresql:///d', { PGSERVICE: 'x' }).message, /PGSERVICE/);
  });

  s.test('a password is hidden from then on, as written and as meant', () => {
    parse('postgresql://bob:s%40crifice@h/d');
    assert.not.ok(redact('it was s@crifice or s%40crifice').includes('crifice'));
  });
});
