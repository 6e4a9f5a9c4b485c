import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { packageFile } from '../base/package-root.ts';
import { EngineError } from '../error.ts';

/** A numbered step forward, as plain SQL; names in it are found in the store's schema. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations that the package ships, in order. */
export function shippedMigrations(): readonly Migration[] {
  const folder = packageFile('engine', 'stores', 'migrations');
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({ number: Number(file.slice(0, 4)), name: file.slice(5, -4), sql: readFileSync(join(folder, file), 'utf8') }));
}

/** The number of the newest migration that the schema has; 0 before the first. Changes nothing. */
export async function migratedTo(db: Knex, schema: string): Promise<number> {
  const found = await db('pg_catalog.pg_tables').where({ schemaname: schema, tablename: 'migrations' }).first('tablename');
  if (found === undefined) return 0;
  const row = await db.withSchema(schema).table('migrations').max<{ newest: number | null }>('number as newest').first();
  return row?.newest ?? 0;
}

/**
 * Brings the schema to the newest of these, all in one transaction; forward only. An advisory lock makes a second process wait and find the work done.
 * A schema that is newer than these: EngineError `store.newer`.
 */
export async function migrateSchema(db: Knex, schema: string, migrations: readonly Migration[] = shippedMigrations()): Promise<void> {
  const newest = migrations.at(-1)?.number ?? 0;
  const before = await migratedTo(db, schema);
  refuseNewer(schema, before, newest);
  if (before === newest) return;
  await db.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [`pipeline-engine migrate ${schema}`]);
    // The right to create schemas is asked for only where one is missing.
    const known = await trx('pg_catalog.pg_namespace').where({ nspname: schema }).first('nspname');
    if (known === undefined) await trx.raw('CREATE SCHEMA IF NOT EXISTS ??', [schema]);
    await trx.raw(
      'CREATE TABLE IF NOT EXISTS ??.migrations (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
      [schema],
    );
    const done = await migratedTo(trx, schema);
    refuseNewer(schema, done, newest);
    await trx.raw('SELECT set_config(?, ?, true)', ['search_path', `"${schema.replaceAll('"', '""')}"`]);
    for (const migration of migrations.filter((m) => m.number > done)) {
      await trx.raw(migration.sql.replaceAll('?', '\\?'));
      await trx.withSchema(schema).table('migrations').insert({ number: migration.number, name: migration.name });
    }
  });
}

/** Throws `store.newer` when the schema knows more migrations than this engine. */
export function refuseNewer(schema: string, found: number, known: number): void {
  if (found <= known) return;
  throw new EngineError('refused', 'store.newer', `the state store (schema ${schema}) has shape ${found}, and this engine knows ${known}`, {
    hint: 'A newer engine has been here: use that version, or name another schema under `state` in pipelines.yaml.',
  });
}
