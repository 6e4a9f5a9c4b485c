import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../engine/base/clock.ts';
import { EngineError } from '../../engine/error.ts';
import { type DuckDBConnection, duckdbText } from '../../lake/duckdb.ts';
import type { Copies } from './extract-copies.ts';
import type { Publisher } from './extract-publish.ts';
import type { Part, PartFormat, SourceReader } from './extract-reader.ts';
import type { PostgresSource } from './source.ts';

const lookEveryMs = 500;
const name = 'part';

/**
 * Reads one statement to its end, and publishes its parts while it runs. Reading cannot be paused here: where publishing is slower, finished parts wait on the
 * local disk. What was published before the end is compared with what the copy says it wrote.
 */
export async function streamParts(
  reader: SourceReader,
  source: PostgresSource,
  clock: Clock,
  publisher: Publisher,
  copies: Copies,
  sql: string,
  format: PartFormat,
): Promise<void> {
  const over = new AbortController();
  const early = new Map<string, Part>();
  const looker = await source.duckdb();
  const looking = (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(lookEveryMs, over.signal).catch(() => undefined);
      if (over.signal.aborted) return;
      for (const part of await finishedParts(looker, format.folder, early)) {
        early.set(part.name, part);
        publisher.add(part);
      }
    }
  })();
  // Handled where it is awaited; until then it must not count as unhandled.
  looking.catch(() => undefined);
  try {
    const written = await reader.copy(sql, name, format);
    over.abort();
    await looking;
    for (const part of written) {
      const seen = early.get(part.name);
      early.delete(part.name);
      if (seen === undefined) publisher.add(part);
      else if (seen.rows !== part.rows || seen.size !== part.size) throw published(part.name);
    }
    for (const left of early.keys()) throw published(left);
    copies.finished(
      reader.pid,
      written.reduce((sum, part) => sum + part.rows, 0),
    );
  } finally {
    over.abort();
    await looking.catch(() => undefined);
    looker.closeSync();
  }
}

function published(part: string): EngineError {
  return new EngineError('failed', 'extract.part-early', `the part ${part} was published before it was complete`, {
    retryable: true,
    hint: 'It is tried again; nothing was committed',
  });
}

/** Parts with a whole footer and a later part beside them, which have not been published. */
async function finishedParts(looker: DuckDBConnection, folder: string, known: ReadonlyMap<string, Part>): Promise<readonly Part[]> {
  const indexOf = (file: string): number => Number(/-(\d+)\.parquet$/.exec(file)?.[1] ?? -1);
  // Published parts may be gone from here.
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}-`) && !known.has(file));
  const last = Math.max(...files.map(indexOf));
  const found: Part[] = [];
  for (const file of files.filter((f) => indexOf(f) >= 0 && indexOf(f) < last)) {
    const path = join(folder, file);
    const { size } = await stat(path);
    const rows = await rowsOf(looker, path);
    if (rows !== undefined) found.push({ name: file, rows, size });
  }
  return found;
}

/** Rows by the file's footer; undefined while there is none. */
async function rowsOf(looker: DuckDBConnection, path: string): Promise<number | undefined> {
  try {
    const found = await looker.runAndReadAll(`SELECT num_rows FROM parquet_file_metadata(${duckdbText(path)})`);
    return Number(found.getRows()[0]?.[0]);
  } catch (error) {
    if (/^(Invalid Input|IO|Out of Memory) Error/.test((error as Error).message)) return undefined;
    throw error;
  }
}
