import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import type { Relation } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { AddFile } from '../../lake/action.ts';
import type { DuckDBConnection } from '../../lake/duckdb.ts';
import { lakeError } from '../../lake/error.ts';
import type { Lake } from '../../lake/lake.ts';
import { dataFilePath } from '../../lake/path.ts';
import { type CopyForm, extractedAtColumn } from './copy-form.ts';
import { type RowRange, rangesOf } from './copy-ranges.ts';
import { quoteIdentifier, quoteRelation } from './identifier.ts';
import { readParquet } from './parquet.ts';
import { duckLiteral } from './select.ts';
import type { StagingColumn } from './staging.ts';

/** A part of a version as a file of our own, ready for COPY. */
export interface Part {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

/** Rows of one extract in one or more files. */
export interface PartsSource {
  readonly lake: Lake;
  readonly folder: string;
  readonly files: readonly AddFile[];
  readonly columns: readonly StagingColumn[];
  /** How they travel; DuckDB must have its postgres extension loaded for the binary one. */
  readonly form: CopyForm;
  /** Only rows with this `_extracted_at`, in microseconds since 1970; undefined: all. */
  readonly extractedAtMicros?: bigint | undefined;
}

const streamBytes = 512 * 1024;

/**
 * The rows of these files as files for COPY in `tempFolder`, a part at a time; whoever takes a part removes its file. `_extracted_at` comes first, so that no
 * line of CSV ever begins with `\.`, which servers before Postgres 18 take for the end of the data.
 */
export async function* partsOf(duck: DuckDBConnection, source: PartsSource, tempFolder: string): AsyncGenerator<Part> {
  try {
    yield* written(duck, source, tempFolder);
  } catch (error) {
    throw readingError(error, source.folder);
  }
}

async function* written(duck: DuckDBConnection, source: PartsSource, tempFolder: string): AsyncGenerator<Part> {
  let number = 0;
  for (const file of source.files) {
    const local = await source.lake.fetch(dataFilePath(source.folder, file));
    try {
      const columns = await columnsOf(duck, local.localPath);
      const ranges = [...columns].some((c) => c.toLowerCase() === 'file_row_number')
        ? [undefined]
        : await rangesOf(duck, local.localPath, source.columns);
      for (const range of ranges) {
        number += 1;
        const path = join(tempFolder, `${number}.${source.form.name}`);
        const done = await duck.runAndReadAll(
          `COPY (${selectSql(source, local.localPath, columns, range)}) TO ${duckLiteral(path)} (${source.form.write})`,
        );
        const rows = Number(done.getRows()[0]?.[0] ?? 0);
        if (rows > 0) yield { path, rows, bytes: (await stat(path)).size };
        else await rm(path, { force: true });
      }
    } finally {
      await local.release();
    }
  }
}

function readingError(error: unknown, folder: string): EngineError {
  if (error instanceof Error && error.message.startsWith('Out of Memory'))
    return new EngineError('failed', 'load.memory', `DuckDB ran out of its memory while it read lake table ${folder}`, {
      cause: error,
      hint: 'Give it more with `extract: { memory: ... }`.',
    });
  return lakeError(error, `reading lake table ${folder} for staging`);
}

/** The distinct `_extracted_at` of these files in order, each with the files that hold it: the extracts that a whole table is made of. */
export async function extractsIn(
  duck: DuckDBConnection,
  lake: Lake,
  folder: string,
  files: readonly AddFile[],
): Promise<readonly { readonly extractedAtMicros: bigint; readonly files: readonly AddFile[] }[]> {
  const found = new Map<bigint, AddFile[]>();
  for (const file of files) {
    const local = await lake.fetch(dataFilePath(folder, file));
    try {
      const rows = await duck.runAndReadAll(`SELECT DISTINCT epoch_us("_extracted_at") FROM ${readParquet(local.localPath)}`);
      for (const [micros] of rows.getRows()) if (typeof micros === 'bigint') found.set(micros, [...(found.get(micros) ?? []), file]);
    } finally {
      await local.release();
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([extractedAtMicros, of]) => ({ extractedAtMicros, files: of }));
}

/** What comes next is made while the last one is used. `ready` waits for the first; `close` ends the making and removes what is left. */
export interface ReadAhead<T> {
  ready(): Promise<void>;
  next(): Promise<T | undefined>;
  close(): Promise<void>;
}

/** One item ahead of its reader, never more. */
export function readAhead<T>(items: AsyncGenerator<T>): ReadAhead<T> {
  let coming = start();
  function start(): Promise<IteratorResult<T, unknown>> {
    const result = items.next();
    // The failure is told to whoever asks for the item; until then it is no unhandled one.
    result.catch(() => undefined);
    return result;
  }
  return {
    ready: async () => {
      await coming;
    },
    next: async () => {
      const result = await coming;
      if (result.done === true) return undefined;
      coming = start();
      return result.value;
    },
    close: async () => {
      await coming.catch(() => undefined);
      await items.return(undefined);
    },
  };
}

/** COPY of the lake's rows into a table: `target` is SQL already quoted. FREEZE needs a table that was made or emptied in this very transaction. */
export function copySql(target: string, columns: readonly StagingColumn[], form: CopyForm, freeze: boolean): string {
  const names = [quoteIdentifier('_extracted_at'), ...columns.map((c) => quoteIdentifier(c.name))].join(', ');
  return `COPY ${target} (${names}) FROM STDIN (${form.read}${freeze ? ', FREEZE' : ''})`;
}

/** Streams one part into a COPY and removes its file; EngineError `load.rows-differ` when the server took another number than the lake gave. */
export async function copyPart(client: Client, sql: string, part: Part, into: Relation): Promise<void> {
  const { from } = await import('pg-copy-streams');
  const stream = client.query(from(sql));
  await pipeline(createReadStream(part.path, { highWaterMark: streamBytes }), stream);
  await rm(part.path, { force: true });
  if (stream.rowCount !== part.rows)
    throw new EngineError('failed', 'load.rows-differ', `${quoteRelation(into)} took ${stream.rowCount} rows of a part of ${part.rows}`, {
      hint: 'Look for a trigger or rule on the staging table that swallows rows.',
    });
}

/** Column names of a file; a file older than a column lacks it. */
async function columnsOf(duck: DuckDBConnection, path: string): Promise<ReadonlySet<string>> {
  const described = await duck.runAndReadAll(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${readParquet(path)})`);
  return new Set(described.getRows().map(([name]) => String(name)));
}

function selectSql(source: PartsSource, path: string, columns: ReadonlySet<string>, range: RowRange | undefined): string {
  const { form } = source;
  const list = source.columns.map((c) => (columns.has(c.lakeName) ? form.value(quoteIdentifier(c.lakeName), c) : form.missing));
  const conditions = [
    ...(range === undefined ? [] : [`file_row_number >= ${range.from} AND file_row_number < ${range.below}`]),
    ...(source.extractedAtMicros === undefined ? [] : [`epoch_us("_extracted_at") = ${source.extractedAtMicros}`]),
  ];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${[form.value('"_extracted_at"', extractedAtColumn), ...list].join(', ')} FROM ${readParquet(path, range !== undefined)}${where}`;
}
