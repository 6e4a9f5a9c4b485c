import { quoteLiteral } from './identifier.ts';

/** What is in force in every session of the engine, whatever the server's, the database's or the role's defaults are (exactness.md section 2). */
export const sessionSettings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  row_security: 'off',
  search_path: '',
  client_encoding: 'UTF8',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

/** Settings that only newer servers know, by their first version as `server_version_num` has it. */
const newerSettings: readonly { readonly name: string; readonly value: string; readonly since: number }[] = [
  { name: 'idle_session_timeout', value: '0', since: 140_000 },
  { name: 'transaction_timeout', value: '0', since: 170_000 },
];

/** The settings for a server of that version (`server_version_num`). */
export function settingsFor(version: number): Readonly<Record<string, string>> {
  const newer = newerSettings.filter((setting) => version >= setting.since).map(({ name, value }) => [name, value] as const);
  return { ...sessionSettings, ...Object.fromEntries(newer) };
}

/** The settings as one message of SET statements. */
export function settingsSql(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `SET SESSION ${name} = ${quoteLiteral(value)}`)
    .join('; ');
}

/** The settings as libpq's `options` (Postgres docs, 34.1.2): a space or a backslash inside a value is escaped with a backslash. */
export function settingsOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}

/** `application_name` of a session: printable ASCII, at most 63 bytes, as Postgres keeps it. */
export function applicationName(label: string): string {
  return `engine ${label}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 63);
}
