import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileLake } from '../../connectors/file/lake.ts';
import type { Clock } from '../../engine/base/clock.ts';
import { type Instant, microsToInstant } from '../../engine/base/instant.ts';
import type { EngineCommit, Field } from '../../lake/action.ts';
import { type CommitResult, commit } from '../../lake/commit.ts';
import { connectDuckDB, type DuckDBConnection, type DuckDBInstance, openDuckDB } from '../../lake/duckdb.ts';
import type { Lake } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import { lakeFields } from '../../lake/schema.ts';
import type { NewFile, TableState } from '../../lake/table.ts';

/** A clock that stands still. */
export function stillClock(nowMs: number): Clock {
  return { now: () => nowMs, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
}

/** Instants a second apart: `at(0)`, `at(1)` and so on. */
export function at(seconds: number): Instant {
  return microsToInstant(1_770_000_000_000_001n + BigInt(seconds) * 1_000_000n);
}

/** The engine's words for a commit, with what a test wants to say itself. */
export function engineCommit(given: Partial<EngineCommit> = {}): EngineCommit {
  return {
    format: 1,
    run: 'run-1',
    node: 'extract t',
    attempt: 1,
    mode: 'incremental',
    extractedAt: at(0),
    readAt: at(0),
    fence: at(0),
    low: null,
    clockOffsetMs: 0,
    snapshot: '00000003-1',
    source: { systemIdentifier: '7', timeline: 1, database: 'd', relation: 'public.t' },
    fingerprint: 'f',
    key: ['id'],
    cursor: 'updated_at',
    rows: 0,
    candidates: [],
    ...given,
  };
}

export const idAndText: readonly Field[] = lakeFields([
  { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
  { name: 'v', type: 'string', postgresType: 'text', baseType: 'text' },
]);

/** One version to be written: `rows` is a SELECT without the engine's own columns, undefined for an entry without files. */
export interface Version {
  readonly mode?: 'full' | 'incremental';
  readonly rows?: string;
  /** SQL that is true for the rows that say of their key that it is gone; none without it. */
  readonly deleted?: string;
  readonly fields?: readonly Field[];
  readonly commit?: Partial<EngineCommit>;
  readonly base?: TableState;
}

/** A lake in a temporary folder, and a hand that writes tables into it: Parquet by DuckDB, entries by the engine's own commit. */
export interface Workshop {
  readonly root: string;
  readonly lake: Lake;
  readonly connection: DuckDBConnection;
  /** Writes the next version; the n-th call has run `run-n` and time `at(n)`. */
  write(folder: string, version: Version): Promise<CommitResult>;
  /** Writes a file of a version, without a commit. */
  file(folder: string, rows: string, extractedAt: Instant): Promise<NewFile>;
  /** Rows of SQL, as JSON values. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

export async function openWorkshop(): Promise<Workshop> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-lake-test-')));
  const lake = openFileLake(join(root, 'lake'));
  const instance: DuckDBInstance = await openDuckDB({ memoryBytes: 256 * 1024 * 1024, threads: 1, tempFolder: join(root, 'spill') });
  const connection = await connectDuckDB(instance);
  let calls = 0;
  let files = 0;

  const file = async (folder: string, rows: string, extractedAt: Instant, deleted = 'false'): Promise<NewFile> => {
    files += 1;
    const writer = await lake.write(`${folder}/files-${files}`);
    const path = join(writer.localFolder, 'part 0.parquet');
    await connection.run(
      `COPY (SELECT *, TIMESTAMPTZ '${extractedAt}' AS _extracted_at, (${deleted}) AS _deleted FROM (${rows})) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
    );
    const size = await writer.publish('part 0.parquet');
    await writer.close('keep');
    const counted = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM read_parquet('${path}')`);
    return { path: `files-${files}/part 0.parquet`, size, rows: Number(counted.getRows()[0]?.[0]) };
  };

  return {
    root: join(root, 'lake'),
    lake,
    connection,
    file,
    async write(folder, version) {
      calls += 1;
      const said = engineCommit({
        run: `run-${calls}`,
        mode: version.mode ?? 'incremental',
        extractedAt: at(calls),
        fence: at(calls),
        ...version.commit,
      });
      const written = version.rows === undefined ? [] : [await file(folder, version.rows, said.extractedAt, version.deleted)];
      return commit(
        lake,
        version.base ?? (await readTable(lake, folder)),
        {
          commit: { ...said, rows: written.reduce((sum, f) => sum + f.rows, 0) },
          fields: version.fields ?? idAndText,
          configuration: { 'engine.key': '["id"]', 'engine.relation': 'public.t' },
          files: written,
          check: async () => undefined,
          engineInfo: 'pipeline-engine test',
        },
        stillClock(1_770_000_000_000 + calls * 1000),
      );
    },
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRowsJson() as readonly (readonly unknown[])[],
    async close() {
      connection.closeSync();
      instance.closeSync();
      await rm(root, { recursive: true, force: true });
    },
  };
}
