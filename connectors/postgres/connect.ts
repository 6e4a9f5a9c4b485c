import type { Client, ClientConfig } from 'pg';
import { keepSecret } from '../../engine/base/secret.ts';
import type { DatabaseParameters } from '../../engine/connector.ts';
import { postgresError } from './error.ts';
import { applicationName, settingsFor, settingsOptions, settingsSql } from './session.ts';
import { systemBundle, tlsOptions } from './tls.ts';

/** A session with the engine's settings, and what it was told when it began. */
export interface Session {
  readonly client: Client;
  /** `server_version_num`. */
  readonly version: number;
  /** The backend's pid as the server itself says. */
  readonly backend: number;
  /** The pid that the protocol announced; another one means that a pooler stands in between. */
  readonly announced: number | undefined;
}

/** Where parameters lead, for messages: no user, no password. */
export function placeOf(parameters: DatabaseParameters): string {
  const host = parameters.host.includes(':') ? `[${parameters.host}]` : parameters.host;
  return `${host}${host.startsWith('/') ? ` port ` : ':'}${parameters.port}, database ${parameters.database}`;
}

async function open(parameters: DatabaseParameters, label: string, tls: boolean): Promise<Client> {
  const { default: pg } = await import('pg');
  const config: ClientConfig = {
    host: parameters.host,
    port: parameters.port,
    user: parameters.user,
    // A function: for a plain value that is missing, `pg` would look into the environment and into .pgpass by itself.
    password: () => parameters.password ?? '',
    database: parameters.database,
    ssl: tls ? tlsOptions(parameters) : false,
    application_name: applicationName(label),
    connectionTimeoutMillis: parameters.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
  };
  const client = new pg.Client(config);
  // Without a listener, a connection that is lost between two queries would end the process. The next query says it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** libpq's `prefer`: TLS, and without it when the server has none, the handshake fails, or it lets the user in only without. */
function mayTryPlain(error: unknown): boolean {
  const { code } = postgresError(error, '');
  return ['postgres.no-tls', 'postgres.tls', 'postgres.certificate', 'postgres.certificate-name', 'postgres.login-refused'].includes(code);
}

async function openPreferred(parameters: DatabaseParameters, label: string): Promise<Client> {
  try {
    return await open(parameters, label, true);
  } catch (error) {
    if (!mayTryPlain(error)) throw error;
    return await open(parameters, label, false);
  }
}

/** A new session with the session settings in force. The caller ends its client. Errors are EngineErrors. */
export async function openSession(parameters: DatabaseParameters, label: string): Promise<Session> {
  const what = `connecting to ${placeOf(parameters)}`;
  let client: Client;
  try {
    const tls = parameters.sslmode !== 'disable' && !parameters.host.startsWith('/');
    client = parameters.sslmode === 'prefer' && tls ? await openPreferred(parameters, label) : await open(parameters, label, tls);
  } catch (error) {
    throw postgresError(error, what);
  }
  try {
    const { rows } = await client.query<{ version: string; backend: number }>(
      "SELECT pg_catalog.current_setting('server_version_num') AS version, pg_catalog.pg_backend_pid() AS backend",
    );
    const version = Number(rows[0]?.version);
    await client.query(settingsSql(settingsFor(version)));
    const announced = (client as unknown as { readonly processID?: number | null }).processID ?? undefined;
    return { client, version, backend: rows[0]?.backend ?? 0, announced };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw postgresError(error, what);
  }
}

function quoteValue(value: string): string {
  return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** The parameters as a libpq connection string, with the settings for a server of that version, and further ones, in `options`. Contains the password. */
export function connectionString(
  parameters: DatabaseParameters,
  label: string,
  version: number,
  further: Readonly<Record<string, string>> = {},
): string {
  const { sslrootcert } = parameters;
  const values: Record<string, string | undefined> = {
    host: parameters.host,
    // For an address, so that PGHOSTADDR cannot lead elsewhere.
    hostaddr: /^[0-9.]+$|:/.test(parameters.host) ? parameters.host : undefined,
    port: String(parameters.port),
    user: parameters.user,
    password: parameters.password ?? '',
    dbname: parameters.database,
    sslmode: parameters.sslmode,
    sslrootcert: sslrootcert === 'system' ? (systemBundle() ?? 'system') : sslrootcert,
    sslcert: parameters.sslcert,
    sslkey: parameters.sslkey,
    connect_timeout: String(Math.ceil(parameters.connectTimeoutMs / 1000)),
    application_name: applicationName(label),
    options: settingsOptions({ ...settingsFor(version), ...further }),
  };
  if (parameters.password !== undefined) keepSecret(quoteValue(parameters.password).slice(1, -1));
  return Object.entries(values)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${quoteValue(value)}`]))
    .join(' ');
}
