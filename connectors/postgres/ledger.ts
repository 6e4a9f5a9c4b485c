import type { Client } from 'pg';
import { type Instant, sqlInstant } from '../../engine/base/instant.ts';
import type { Relation } from '../../engine/config.ts';
import { quoteIdentifier } from './identifier.ts';

/**
 * `engine.loads`: which versions of which lake table a target holds. A row is written in the transaction that brings its rows,
 * so it is true by construction. `seq` orders loads; the newest row of a target says where it stands.
 */
export interface LedgerEntry {
  readonly lake: string;
  readonly lakeTableId: string;
  readonly version: number;
  readonly extractedAt: Instant | null;
  readonly run: string;
}

/** What one load writes about one version. */
export interface LedgerRow extends LedgerEntry {
  readonly mode: 'full' | 'changes';
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly fence: Instant | null;
}

const makeLedger = `
  CREATE TABLE IF NOT EXISTS "engine"."loads" (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    target_schema text NOT NULL,
    target_table text NOT NULL,
    lake text NOT NULL,
    lake_table_id text NOT NULL,
    version bigint NOT NULL,
    run text NOT NULL,
    mode text NOT NULL,
    rows bigint NOT NULL,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    fence timestamptz,
    extracted_at timestamptz,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (target_schema, target_table, lake_table_id, version)
  )`;

/** Whose load of a target is the newest: see `attempt-register.ts`. */
const makeAttempts = `
  CREATE TABLE IF NOT EXISTS "engine"."attempts" (
    target_schema text NOT NULL,
    target_table text NOT NULL,
    scope text NOT NULL,
    token bigint NOT NULL,
    attempt integer NOT NULL,
    run text NOT NULL,
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    PRIMARY KEY (target_schema, target_table)
  )`;

/** Two that make the same thing at once: unique_violation, duplicate_schema, duplicate_table, duplicate_object. */
const madeMeanwhile = new Set(['23505', '42P06', '42P07', '42710']);

/**
 * Makes the ledger, the register of attempts and the target's schema where they are missing, in a short transaction of its own: two loads of one run may need them at the same time,
 * and neither must wait for the other's load. Needs the right to create only when something is missing.
 */
export async function prepareLedger(client: Client, targetSchema: string): Promise<void> {
  const missing = async (): Promise<readonly string[]> => {
    const found = await client.query<{ ledger: boolean; attempts: boolean; engine: boolean; target: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'engine' AND c.relname = 'loads') AS ledger,
              EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'engine' AND c.relname = 'attempts') AS attempts,
              EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'engine') AS engine,
              EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS target`,
      [targetSchema],
    );
    const row = found.rows[0];
    return [
      ...(row?.engine === true ? [] : ['CREATE SCHEMA IF NOT EXISTS "engine"']),
      ...(row?.ledger === true ? [] : [makeLedger]),
      ...(row?.attempts === true ? [] : [makeAttempts]),
      ...(row?.target === true ? [] : [`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(targetSchema)}`]),
    ];
  };
  for (let attempt = 1; ; attempt += 1) {
    if ((await missing()).length === 0) return;
    try {
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
      await client.query(`SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('engine.loads', 0))`);
      for (const statement of await missing()) await client.query(statement);
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK');
      const code = (error as { readonly code?: unknown }).code;
      if (attempt >= 5 || typeof code !== 'string' || !madeMeanwhile.has(code)) throw error;
    }
  }
}

/** What a role may see of the ledger: `absent` before the first load, `hidden` without the right to read it. */
export async function ledgerAccess(client: Client): Promise<'readable' | 'hidden' | 'absent'> {
  const found = await client.query<{ readable: boolean }>(
    `SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'engine' AND c.relname = 'loads'`,
  );
  const row = found.rows[0];
  return row === undefined ? 'absent' : row.readable ? 'readable' : 'hidden';
}

/** The newest load of a target; undefined when none. The ledger must be there. */
export async function readLedger(client: Client, target: Relation): Promise<LedgerEntry | undefined> {
  const found = await client.query<{ lake: string; lake_table_id: string; version: string; extracted_at: string | null; run: string }>(
    `SELECT lake, lake_table_id, version::text AS version, ${sqlInstant('extracted_at')} AS extracted_at, run
     FROM "engine"."loads" WHERE target_schema = $1 AND target_table = $2 ORDER BY seq DESC LIMIT 1`,
    [target.schema, target.name],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  return { lake: row.lake, lakeTableId: row.lake_table_id, version: Number(row.version), extractedAt: row.extracted_at, run: row.run };
}

/** True when that run's load of that version is in. */
export async function ledgerHolds(client: Client, target: Relation, row: LedgerEntry): Promise<boolean> {
  const found = await client.query(
    `SELECT FROM "engine"."loads" WHERE target_schema = $1 AND target_table = $2 AND lake_table_id = $3 AND version = $4 AND run = $5`,
    [target.schema, target.name, row.lakeTableId, row.version, row.run],
  );
  return found.rows.length > 0;
}

/** Forgets versions from `version` on: they are loaded again as part of a whole. */
export async function forgetFrom(client: Client, target: Relation, lakeTableId: string, version: number): Promise<void> {
  await client.query(
    `DELETE FROM "engine"."loads" WHERE target_schema = $1 AND target_table = $2 AND lake_table_id = $3 AND version >= $4`,
    [target.schema, target.name, lakeTableId, version],
  );
}

/** Writes one version; the primary key refuses a version that is there already. Runs inside the load's transaction. */
export async function writeLedger(client: Client, target: Relation, row: LedgerRow): Promise<void> {
  await client.query(ledgerInsert, [
    target.schema,
    target.name,
    row.lake,
    row.lakeTableId,
    row.version,
    row.run,
    row.mode,
    row.rows,
    row.inserted,
    row.updated,
    row.unchanged,
    row.fence,
    row.extractedAt,
  ]);
}

/** The statement of `writeLedger`, for plans. */
export const ledgerInsert = `INSERT INTO "engine"."loads" (target_schema, target_table, lake, lake_table_id, version, run, mode, rows, inserted, updated, unchanged, fence, extracted_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;
