import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../engine/base/clock.ts';
import { effect } from '../engine/base/effect.ts';
import { EngineError } from '../engine/error.ts';
import type { Action } from './action.ts';
import { connectDuckDB, type DuckDBConnection, duckdbName, duckdbText, openDuckDB } from './duckdb.ts';
import type { Lake } from './lake.ts';
import { checkpointPath, hintPath } from './path.ts';
import { checkWritable } from './protocol.ts';
import { applyAction, dataId, emptyReplay, type Replay } from './replay.ts';

/** A checkpoint is made when so many entries would have to be read. */
export const checkpointEvery = 100;

/** Delta's default for `delta.deletedFileRetentionDuration`: tombstones older than that are left out. */
const tombstoneMs = 7 * 24 * 60 * 60 * 1000;

const textMap = 'MAP(VARCHAR, VARCHAR)';
/** PROTOCOL.md, Checkpoint Schema. */
const columns = {
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
  metaData: `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${textMap}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${textMap}, createdTime BIGINT)`,
  txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
  add: `STRUCT(path VARCHAR, partitionValues ${textMap}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${textMap})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${textMap}, size BIGINT)`,
} as const;

async function withDuckDB<T>(work: (connection: DuckDBConnection, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-checkpoint-'));
  try {
    const instance = await openDuckDB({
      memoryBytes: 256 * 1024 * 1024,
      threads: 1,
      tempFolder: join(folder, 'spill'),
      preserveInsertionOrder: true,
    });
    try {
      const connection = await connectDuckDB(instance);
      try {
        return await work(connection, folder);
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the checkpoint of a replayed log at its version, then the hint. Safe to repeat, and when several do it at once. */
export async function writeCheckpoint(lake: Lake, folder: string, replay: Replay, clock: Clock): Promise<void> {
  const { protocol, metadata } = replay;
  if (protocol === undefined || metadata === undefined) throw new RangeError(`no table to checkpoint in ${folder}`);
  checkWritable(folder, protocol, metadata);
  const expired = clock.now() - tombstoneMs;
  const actions: Action[] = [
    { protocol },
    { metaData: metadata },
    ...[...replay.transactions.values()].map((txn) => ({ txn })),
    ...[...replay.files.values()].map(({ add }) => ({ add: { ...add, dataChange: false } })),
    ...[...replay.tombstones.values()]
      .filter((r) => (r.deletionTimestamp ?? 0) > expired)
      .map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ];
  const bytes = await withDuckDB(async (connection, temp) => {
    const lines = actions.map((a) => JSON.stringify(a));
    await writeFile(join(temp, 'actions.json'), `${lines.join('\n')}\n`);
    const widest = lines.reduce((widest, line) => Math.max(widest, Buffer.byteLength(line)), 0);
    const types = Object.entries(columns).map(([name, type]) => `${name}: ${duckdbText(type)}`);
    await connection.run(
      `COPY (SELECT * FROM read_json(${duckdbText(join(temp, 'actions.json'))}, format = 'newline_delimited', columns = {${types.join(', ')}},
         maximum_object_size = ${Math.max(1 << 20, widest * 2)})) TO ${duckdbText(join(temp, 'checkpoint.parquet'))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return readFile(join(temp, 'checkpoint.parquet'));
  });
  await effect('lake.checkpoint', () => lake.createIfAbsent(checkpointPath(folder, replay.version), bytes));
  const hint = { version: replay.version, size: actions.length, sizeInBytes: bytes.length, numOfAddFiles: replay.files.size };
  await effect('lake.hint', () => lake.replace(hintPath(folder), new TextEncoder().encode(JSON.stringify(hint))));
}

/** The log up to a checkpoint, from its parts; undefined when they are no readable checkpoint: the entries before it are read then. */
export async function readCheckpoint(lake: Lake, version: number, paths: readonly string[]): Promise<Replay | undefined> {
  const parts: Awaited<ReturnType<Lake['fetch']>>[] = [];
  try {
    for (const path of paths) parts.push(await lake.fetch(path));
    const actions = await withDuckDB((connection) =>
      readActions(
        connection,
        parts.map((p) => p.localPath),
      ),
    );
    const replay = emptyReplay();
    for (const action of actions) applyAction(replay, action, undefined);
    if (replay.protocol === undefined || replay.metadata === undefined) return undefined;
    replay.version = version;
    replay.checkpoint = version;
    replay.dataVersion = replay.transactions.get(dataId)?.version ?? -1;
    return replay;
  } catch (error) {
    if (error instanceof EngineError && error.code !== 'lake.file-missing') throw error;
    return undefined;
  } finally {
    for (const part of parts) await part.release();
  }
}

/** Rows whose JSON is handed over as one text: a text for each row costs several times as much. */
const rowsOfText = 8192;

/** Other writers' checkpoints have more columns, or statistics as a struct only. */
async function readActions(connection: DuckDBConnection, files: readonly string[]): Promise<readonly Action[]> {
  const from = `read_parquet([${files.map(duckdbText).join(', ')}], union_by_name = true, file_row_number = true)`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]));
  const actions: Action[] = [];
  for (const name of Object.keys(columns)) {
    const type = types.get(name);
    if (type === undefined) continue;
    const column = duckdbName(name);
    const structOnly = name === 'add' && type.includes('stats_parsed') && !/\bstats VARCHAR/.test(type);
    const value = structOnly
      ? `struct_insert(${column}, stats := to_json({numRecords: ${column}.stats_parsed.numRecords})::VARCHAR)`
      : column;
    const result = await connection.runAndReadAll(
      `SELECT '[' || string_agg(to_json(${value})::VARCHAR, ',') || ']' FROM ${from} WHERE ${column} IS NOT NULL GROUP BY file_row_number // ${rowsOfText}`,
    );
    for (const [json] of result.getRows())
      for (const action of JSON.parse(String(json)) as Record<string, unknown>[]) {
        dropNulls(action);
        actions.push({ [name]: action } as unknown as Action);
      }
  }
  return actions;
}

/** What is absent in an entry is NULL in Parquet. */
function dropNulls(action: Record<string, unknown>): void {
  for (const key in action) if (action[key] === null) delete action[key];
}
