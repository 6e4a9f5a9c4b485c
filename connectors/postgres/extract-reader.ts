import { basename } from 'node:path';
import { effect } from '../../engine/base/effect.ts';
import type { NodeContext } from '../../engine/connector.ts';
import type { DuckDBConnection } from '../../lake/duckdb.ts';
import type { Copies } from './extract-copies.ts';
import { keeperLock } from './fence.ts';
import { checkHash, type MaskKey } from './mask.ts';
import { duckLiteral } from './select.ts';
import type { PostgresSource } from './source.ts';

/** Rows of a row group: half of DuckDB's own default, because each reader holds one, twice, until it is written. */
const rowGroupRows = 61_440;
const rowGroupBytes = '16MB';

/** A finished file, as DuckDB says it wrote it. */
export interface Part {
  readonly name: string;
  readonly rows: number;
  readonly size: number;
}

/** How parts are written. */
export interface PartFormat {
  readonly folder: string;
  readonly codec: string;
  readonly fileBytes: number;
}

/** One session on the source that has joined the run's snapshot, read by a DuckDB connection of its own. */
export interface SourceReader {
  readonly pid: number;
  /** In DuckDB's catalog. */
  readonly alias: string;
  /** A short query in Postgres's SQL, under the snapshot. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A statement without a result, in Postgres's SQL. */
  execute(sql: string): Promise<void>;
  /** Runs the statement in DuckDB's SQL and writes its rows to `<name>-0.parquet`, `<name>-1.parquet` ...; those with rows are returned. */
  copy(sql: string, name: string, format: PartFormat): Promise<readonly Part[]>;
  /** Ends the session. Never throws. */
  close(): Promise<void>;
}

/** Opens a reader: attaches the source anew, and joins the snapshot. With a key it hashes, which is tried first. */
export async function openReader(
  context: NodeContext,
  source: PostgresSource,
  copies: Copies,
  snapshotId: string,
  label: string,
  maskKey: MaskKey | undefined,
): Promise<SourceReader> {
  const duck = await source.duckdb();
  const alias = `source_${context.attempt}_${Math.random().toString(36).slice(2, 10)}`;
  const close = async (): Promise<void> => {
    for (const statement of ['ROLLBACK', `DETACH ${alias}`])
      await duck.run(statement).catch((error: unknown) => context.log('debug', `${statement}: ${String(error)}`));
    duck.closeSync();
  };
  const query = async (sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    (await duck.runAndReadAll(`SELECT * FROM postgres_query('${alias}', ${duckLiteral(sql)})`)).getRowObjects();
  try {
    await duck.run(
      `ATTACH ${duckLiteral(await source.server.connectionString(`extract ${label}`, maskKey?.settings))} AS ${alias} (TYPE postgres, READ_ONLY)`,
    );
    await duck.run('BEGIN');
    await duck.run(`CALL postgres_execute('${alias}', ${duckLiteral(`SET TRANSACTION SNAPSHOT '${snapshotId}'`)})`);
    const mark = `SELECT pg_backend_pid() AS pid, pg_advisory_xact_lock_shared(${keeperLock.classId}, ${keeperLock.objectId})::text AS mark`;
    const pid = Number((await query(mark))[0]?.pid);
    if (maskKey !== undefined) await checkHash(maskKey, query);
    return {
      pid,
      alias,
      execute: (sql) => copies.run(pid, async () => void (await duck.run(`CALL postgres_execute('${alias}', ${duckLiteral(sql)})`))),
      query: (sql) => copies.run(pid, () => query(sql)),
      copy: (sql, name, format) => copies.run(pid, () => effect('source.copy', () => copy(duck, sql, name, format))),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function copy(duck: DuckDBConnection, sql: string, name: string, format: PartFormat): Promise<readonly Part[]> {
  const written = await duck.runAndReadAll(
    `COPY (${sql}) TO ${duckLiteral(format.folder)} (FORMAT parquet, COMPRESSION ${format.codec}, ROW_GROUP_SIZE ${rowGroupRows}, ROW_GROUP_SIZE_BYTES '${rowGroupBytes}', FILE_SIZE_BYTES ${format.fileBytes}, FILENAME_PATTERN '${name}-{i}', OVERWRITE_OR_IGNORE true, RETURN_STATS true)`,
  );
  return written
    .getRowObjects()
    .map((row) => ({ name: basename(String(row.filename)), rows: Number(row.count), size: Number(row.file_size_bytes) }))
    .filter((part) => part.rows > 0);
}
