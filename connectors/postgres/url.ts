import { existsSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { keepSecret } from '../../engine/base/secret.ts';
import { suggest } from '../../engine/base/suggest.ts';
import type { DatabaseParameters } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { passwordFromFile } from './password-file.ts';

/** What a URL is read with. */
export interface UrlSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths in a URL start here: the project's folder. */
  readonly root: string;
  /** The home folder; a test names another. */
  readonly home?: string;
}

/** The parts of a URL as they stand there, decoded; undefined: left out. */
interface UrlParts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly database: string | undefined;
  readonly query: ReadonlyMap<string, string>;
}

/** Parameters that are read (libpq's names; `ssl=true` is JDBC's, which libpq takes too). */
const readKeys = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'connect_timeout',
  'passfile',
  'ssl',
];
/** Parameters that change nothing that the engine promises. */
const harmlessKeys = [
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'gssencmode',
  'krbsrvname',
  'gsslib',
  'gssdelegation',
  'sslcompression',
  'sslsni',
];
const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const defaultTimeoutMs = 10_000;

/** Strict: as libpq reads it. Lenient: a password with `@`, `:` or `/` as it is; the last `@` that leaves a good host ends it. */
const strict = /^(?:([^@/?#]*)@)?(\[[^\]@]*\]|[^@:/?#[\]]*)(?::(\d*))?(?:\/([^@?#]*))?(?:\?([^#]*))?$/s;
const lenient = /^(.*)@(\[[^\]@]*\]|[^@:/?#[\]]*)(?::(\d*))?(?:\/([^@?#]*))?(?:\?([^@#]*))?$/s;

function usage(message: string, hint: string): EngineError {
  return new EngineError('usage', 'postgres.url', message, { hint });
}

function decode(text: string | undefined, what: string): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes('\0')) return decoded;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  throw usage(
    `the ${what} in the Postgres URL has a \`%\` that no two hexadecimal digits follow, or a forbidden character`,
    'Write % as %25, @ as %40, : as %3A and / as %2F.',
  );
}

function split(url: string): UrlParts {
  const scheme = /^postgres(?:ql)?:\/\//.exec(url)?.[0];
  if (scheme === undefined)
    throw usage(
      'a Postgres URL starts with postgresql:// (or is the word `embedded`)',
      'Write postgresql://user:password@host:5432/database',
    );
  const rest = url.slice(scheme.length);
  const found = strict.exec(rest) ?? lenient.exec(rest);
  if (found === null) {
    keepSecret(/:(.*)@/s.exec(rest)?.[1]);
    if (/^[^/?]*,/.test(rest.slice(rest.lastIndexOf('@') + 1)))
      throw usage('the Postgres URL names several hosts', 'Name one host: the primary, or the standby to read from.');
    throw usage(
      'the Postgres URL cannot be read',
      'Write postgresql://user:password@host:5432/database, with % as %25, @ as %40, : as %3A, / as %2F, # as %23 and ? as %3F in user and password.',
    );
  }
  const [, userinfo, host, port, database, query] = found;
  const colon = userinfo?.indexOf(':') ?? -1;
  const rawPassword = colon < 0 ? undefined : userinfo?.slice(colon + 1);
  keepSecret(rawPassword);
  // A raw password may hold `%`: only a strict URL promises that it is encoded.
  const isStrict = strict.test(rest);
  const password = isStrict ? decode(rawPassword, 'password') : rawPassword;
  keepSecret(password);
  if (host?.includes(',')) throw usage('the Postgres URL names several hosts', 'Name one host: the primary, or the standby to read from.');
  return {
    user: decode(colon < 0 ? userinfo : userinfo?.slice(0, colon), 'user'),
    password,
    host: decode(host?.replace(/^\[(.*)\]$/, '$1'), 'host'),
    port: port === '' ? undefined : port,
    database: decode(database, 'database'),
    query: splitQuery(query),
  };
}

function splitQuery(query: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const pair of query === undefined || query === '' ? [] : query.split('&')) {
    const at = pair.indexOf('=');
    const key = decode(at < 0 ? pair : pair.slice(0, at), 'query') ?? '';
    const value = at < 0 ? '' : (decode(pair.slice(at + 1), `parameter ${key}`) ?? '');
    if (key === 'password' || key === 'sslpassword') keepSecret(value);
    if (readKeys.includes(key)) found.set(key, value);
    else if (!harmlessKeys.includes(key) && !(key === 'target_session_attrs' && value === 'any')) {
      const near = suggest(key, [...readKeys, ...harmlessKeys]);
      throw usage(
        `the Postgres URL has a parameter that the engine does not know: ${key}`,
        near === undefined ? `Take it out. Known: ${readKeys.slice(5, -2).join(', ')}.` : `Did you mean ${near}?`,
      );
    }
  }
  return found;
}

function portOf(text: string | undefined, where: string): number {
  if (text === undefined) return 5432;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw usage(`${where}: a port is a number from 1 to 65535`, 'Postgres listens on 5432 unless told otherwise.');
  return port;
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return defaultTimeoutMs;
  if (!/^-?\d{1,6}$/.test(text))
    throw usage('connect_timeout is no whole number of seconds', 'For example connect_timeout=10; 0 waits for ever.');
  return Math.max(0, Number(text)) * 1000;
}

/** libpq's default host: a socket where one is, else this machine (Postgres docs, 34.1.2). */
function defaultHost(port: number): string {
  return ['/var/run/postgresql', '/tmp'].find((folder) => existsSync(join(folder, `.s.PGSQL.${port}`))) ?? 'localhost';
}

function defaultUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw new EngineError('usage', 'postgres.url', 'the Postgres URL names no user, and this account has no name', {
      cause: error,
      hint: 'Put the user into the URL, or set PGUSER.',
    });
  }
}

type Tls = Pick<DatabaseParameters, 'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey'>;

/** sslmode and its files, as libpq means them (Postgres docs, 34.19): files in ~/.postgresql are used where none is named. */
function tlsOf(given: (key: string, variable: string) => string | undefined, surroundings: UrlSurroundings, host: string): Tls {
  const home = surroundings.home ?? homedir();
  const file = (key: string, variable: string, standard: string): string | undefined => {
    const named = given(key, variable);
    const path = named === undefined ? join(home, '.postgresql', standard) : isAbsolute(named) ? named : resolve(surroundings.root, named);
    if (existsSync(path)) return path;
    if (named === undefined) return undefined;
    throw usage(`${key}: there is no file ${path}`, 'Give an absolute path, or one relative to the folder of pipelines.yaml.');
  };
  const system = given('sslrootcert', 'PGSSLROOTCERT') === 'system';
  const asked =
    given('sslmode', 'PGSSLMODE') ?? (['true', '1'].includes(given('ssl', '') ?? '') ? 'require' : system ? 'verify-full' : 'prefer');
  const sslmode = asked === 'allow' ? 'prefer' : modes.find((mode) => mode === asked);
  if (sslmode === undefined) throw usage(`sslmode=${asked} is unknown`, `Use one of ${modes.join(', ')}.`);
  // libpq ignores sslmode on a Unix-domain socket.
  if (sslmode === 'disable' || host.startsWith('/'))
    return { sslmode: 'disable', sslrootcert: undefined, sslcert: undefined, sslkey: undefined };
  if (system && sslmode !== 'verify-full')
    throw usage(`sslrootcert=system does not go with sslmode=${sslmode}`, 'Use sslmode=verify-full.');
  const sslrootcert = system ? 'system' : file('sslrootcert', 'PGSSLROOTCERT', 'root.crt');
  if (sslrootcert === undefined && (sslmode === 'verify-ca' || sslmode === 'verify-full'))
    throw usage(
      `sslmode=${sslmode} needs the certificate of an authority, and there is no ${join(home, '.postgresql', 'root.crt')}`,
      'Add sslrootcert=FILE (for RDS: its bundle), or sslrootcert=system for authorities that this machine trusts.',
    );
  const sslcert = file('sslcert', 'PGSSLCERT', 'postgresql.crt');
  const sslkey = sslcert === undefined ? undefined : file('sslkey', 'PGSSLKEY', 'postgresql.key');
  if (sslcert !== undefined && sslkey === undefined) throw usage(`sslcert is given (${sslcert}), and no sslkey`, 'Add sslkey=FILE.');
  if (sslkey !== undefined) {
    const { mode, uid } = statSync(sslkey);
    if ((mode & (uid === 0 ? 0o027 : 0o077)) !== 0) throw usage(`the private key ${sslkey} can be read by others`, `chmod 0600 ${sslkey}`);
  }
  return { sslmode, sslrootcert, sslcert, sslkey };
}

/**
 * A Postgres URL as parameters for every driver, with libpq's meaning (Postgres docs, 34.1.1): what the URL leaves out comes from PG* variables, the password
 * then from ~/.pgpass or PGPASSFILE. The password is remembered as a secret. `warn` hears of a password file that is not used. Throws EngineError `postgres.url`.
 */
export function parseUrl(url: string, surroundings: UrlSurroundings, warn: (text: string) => void): DatabaseParameters {
  const { env } = surroundings;
  const parts = split(url);
  const variable = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const given = (key: string, name: string): string | undefined => {
    const value = parts.query.get(key);
    return value === undefined || value === '' ? variable(name) : value;
  };
  if (variable('PGHOSTADDR') !== undefined)
    throw usage('PGHOSTADDR is set, which drivers do not read alike', 'Unset it, and put the address into the URL as its host.');
  const service = variable('PGSERVICE');
  if (service !== undefined && parts.host === undefined && !parts.query.has('host'))
    throw usage('PGSERVICE is set, and the URL names no host: service files are not read', 'Put host, user and database into the URL.');
  const port = portOf(parts.port ?? given('port', 'PGPORT'), 'the Postgres URL');
  const host = parts.host ?? given('host', 'PGHOST') ?? defaultHost(port);
  const user = parts.user ?? given('user', 'PGUSER') ?? defaultUser();
  const database = parts.database ?? given('dbname', 'PGDATABASE') ?? user;
  const home = surroundings.home ?? homedir();
  const password =
    parts.password ??
    given('password', 'PGPASSWORD') ??
    passwordFromFile(given('passfile', 'PGPASSFILE') ?? join(home, '.pgpass'), { host, port, database, user }, warn);
  keepSecret(password);
  return {
    host,
    port,
    user,
    password,
    database,
    ...tlsOf(given, surroundings, host),
    connectTimeoutMs: timeoutOf(given('connect_timeout', 'PGCONNECT_TIMEOUT')),
  };
}
