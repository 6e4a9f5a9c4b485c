import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepSecret } from '../../engine/base/secret.ts';
import type { DatabaseParameters } from '../../engine/connector.ts';

/** The profile's and its target's name on dbt's command line, whatever the project calls its own. */
export const profileName = 'engine';

/** What a program that speaks libpq would otherwise take from its surroundings; the profile says all that counts. */
const libpqSurroundings = [
  'PGHOST',
  'PGHOSTADDR',
  'PGPORT',
  'PGUSER',
  'PGPASSWORD',
  'PGPASSFILE',
  'PGDATABASE',
  'PGSERVICE',
  'PGSERVICEFILE',
  'PGOPTIONS',
];

export interface Profile {
  readonly parameters: DatabaseParameters;
  /** For models that name no schema. */
  readonly schema: string;
  /** At most 63 bytes. */
  readonly applicationName: string;
}

/**
 * Writes `profiles.yml` into a folder, and returns what dbt's environment needs beside: the password goes there alone, under a name that dbt keeps out of its
 * logs (`DBT_ENV_SECRET_`), and so do all texts, because dbt would read `{{` in them as a template.
 */
export async function writeProfile(folder: string, profile: Profile): Promise<Readonly<Record<string, string | undefined>>> {
  const { parameters } = profile;
  keepSecret(parameters.password);
  const texts: Record<string, string | undefined> = {
    host: parameters.host,
    user: parameters.user,
    dbname: parameters.database,
    sslmode: parameters.sslmode,
    sslrootcert: parameters.sslrootcert,
    sslcert: parameters.sslcert,
    sslkey: parameters.sslkey,
  };
  const output: Record<string, string | number> = {
    type: 'postgres',
    port: parameters.port,
    password: "{{ env_var('DBT_ENV_SECRET_PASSWORD', '') }}",
    schema: profile.schema,
    threads: 4,
    connect_timeout: Math.max(2, Math.ceil(parameters.connectTimeoutMs / 1000)),
    keepalives_idle: 60,
    // Left to libpq's PGAPPNAME: in here it would make dbt parse the whole project again for each run.
    application_name: '',
  };
  const env: Record<string, string | undefined> = { DBT_ENV_SECRET_PASSWORD: parameters.password ?? '' };
  for (const name of libpqSurroundings) env[name] = undefined;
  env.PGAPPNAME = profile.applicationName;
  for (const [key, value] of Object.entries(texts)) {
    if (value === undefined) continue;
    const name = `PIPELINE_SINK_${key.toUpperCase()}`;
    env[name] = value;
    output[key] = `{{ env_var('${name}') }}`;
  }
  await mkdir(folder, { recursive: true });
  // JSON is YAML.
  const text = JSON.stringify({ [profileName]: { target: profileName, outputs: { [profileName]: output } } }, undefined, 2);
  await writeFile(join(folder, 'profiles.yml'), `${text}\n`, { mode: 0o600 });
  return env;
}
