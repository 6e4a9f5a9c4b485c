import pg from 'pg';
import type { DatabaseParameters } from '../engine/connector.ts';

/** A URL of an embedded server's database, or of another one on the same server. */
export function urlOf(p: DatabaseParameters, database = p.database): string {
  return `postgresql://${p.user}:${encodeURIComponent(p.password ?? '')}@${p.host}:${p.port}/${database}?sslmode=disable`;
}

/** The environment that psql takes the same connection from. */
export function psqlEnv(p: DatabaseParameters): NodeJS.ProcessEnv {
  return { PGHOST: p.host, PGPORT: String(p.port), PGUSER: p.user, PGPASSWORD: p.password, PGDATABASE: p.database, PGSSLMODE: 'disable' };
}

/** A session there. */
export async function connect(p: DatabaseParameters, database = p.database): Promise<pg.Client> {
  const client = new pg.Client({ ...p, database, ssl: false });
  await client.connect();
  return client;
}
