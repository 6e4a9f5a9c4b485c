import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instant } from '../../engine/base/instant.ts';
import type { NodeContext } from '../../engine/connector.ts';
import { EngineError, stoppedError } from '../../engine/error.ts';
import type { LakeWriter } from '../../lake/lake.ts';
import type { NewFile } from '../../lake/table.ts';
import { type Copies, followCopies } from './extract-copies.ts';
import { extractError, isOutOfMemory } from './extract-error.ts';
import type { Extract, ExtractOptions } from './extract-facts.ts';
import { filesOf, type MeasuredFiles, rangesOf, readersFor } from './extract-files.ts';
import { createPublisher, type Publisher } from './extract-publish.ts';
import { createRangeQueue, rangeSql, type TidRange } from './extract-ranges.ts';
import { openReader, type PartFormat, type SourceReader } from './extract-reader.ts';
import { streamParts } from './extract-stream.ts';
import { quoteIdentifier, quoteLiteral, quoteRelation } from './identifier.ts';
import { isHashed, isMasked } from './mask.ts';
import { outerSql, rowSql } from './select.ts';
import type { Membership, PostgresSource } from './source.ts';

const codecs = { zstd: 'zstd', snappy: 'snappy', gzip: 'gzip', none: 'uncompressed' } as const;

/** What is to be read, and where its parts go. */
export interface PartsJob {
  readonly context: NodeContext;
  readonly source: PostgresSource;
  readonly member: Membership;
  readonly decided: Extract;
  readonly options: ExtractOptions;
  readonly writer: LakeWriter;
  readonly extractedAt: Instant;
}

/** A job at work. */
interface Work extends PartsJob {
  readonly copies: Copies;
  readonly publisher: Publisher;
  readonly format: PartFormat;
  /** Those that are open. */
  readonly readers: Set<SourceReader>;
}

/** What was read. */
export interface Parts {
  readonly files: readonly NewFile[];
  /** The highest value of an integer or text cursor among the rows; null for none. */
  readonly highest: string | null;
}

/**
 * Reads what an extract takes and publishes it part by part as the parts are finished. A whole table is read in ranges of pages, several at once under the
 * one snapshot; everything else (what changed, a view, a server before 14) as one stream, unless `inRanges` says otherwise.
 */
export async function writeParts(job: PartsJob, inRanges: boolean): Promise<Parts> {
  const { context, source, member, decided, options, writer } = job;
  const copies = followCopies(context, source);
  const publisher = createPublisher(writer, copies.end);
  const codec = codecs[options.table.lake.compression];
  const format = { folder: writer.localFolder, codec, fileBytes: options.table.lake.targetFileSizeBytes };
  const work: Work = { ...job, copies, publisher, format, readers: new Set() };
  try {
    if (context.signal.aborted) throw stoppedError();
    const first = await open(work);
    // Before the rows: those of a foreign table may be newer than it, never older.
    const found = decided.highest === undefined ? undefined : (await first.query(decided.highest))[0]?.value;
    const highest = found === undefined || found === null ? null : String(found);
    const { server } = member.snapshot;
    const files = inRanges ? await filesOf(first.query, decided.relation, server) : undefined;
    if (files === undefined) await streamParts(first, source, context.clock, publisher, copies, sqlOf(work, first, undefined), format);
    else await readRanges(work, first, files);
    return { files: await publisher.finish(), highest };
  } catch (error) {
    copies.end();
    const unpublished = await publisher.settle();
    if (context.signal.aborted) throw stoppedError();
    member.snapshot.check();
    throw extractError(unpublished?.error ?? error, `extracting ${decided.identity.relation}`, isMasked(options.table));
  } finally {
    for (const reader of work.readers) await reader.close();
    await copies.close();
  }
}

async function open(work: Work): Promise<SourceReader> {
  const { context, source, copies, member, options, readers } = work;
  const reader = await openReader(
    context,
    source,
    copies,
    member.snapshot.id,
    options.table.name,
    isHashed(options.table) ? source.maskKey : undefined,
  );
  readers.add(reader);
  return reader;
}

async function close(work: Work, reader: SourceReader): Promise<void> {
  work.readers.delete(reader);
  await reader.close();
}

function sqlOf({ decided, extractedAt }: PartsJob, reader: SourceReader, range: TidRange | undefined): string {
  return outerSql(reader.alias, decided.inner(range === undefined ? undefined : rangeSql(range)), decided.columns, extractedAt);
}

async function readRanges(work: Work, first: SourceReader, files: MeasuredFiles): Promise<void> {
  const { source, options } = work;
  const ranges = rangesOf(files, options, source.reading);
  const queue = createRangeQueue(ranges, files);
  const names = { taken: 0 };
  let alone = false;
  const helpers = new Map<number, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const helpersDone = async (): Promise<void> => {
    await Promise.all(helpers.values());
    if (failure !== undefined) throw failure.error;
  };
  const help = async (): Promise<void> => {
    const reader = await openBeside(work);
    if (reader === undefined) return;
    try {
      while (!alone) {
        await work.publisher.room();
        const range = queue.take();
        if (range === undefined) return;
        if (await readRange(work, reader, range, `part-${names.taken++}`)) queue.fitted(range);
        else {
          alone = true;
          queue.giveBack(range);
        }
      }
    } finally {
      await close(work, reader);
    }
  };
  for (let i = 1; i < readersFor(options, source.reading, ranges.length); i += 1)
    helpers.set(
      i,
      help()
        .catch((error: unknown) => {
          failure ??= { error };
          work.copies.end();
        })
        .finally(() => helpers.delete(i)),
    );

  let reader = first;
  try {
    for (;;) {
      await work.publisher.room();
      let range = queue.take();
      if (range === undefined) {
        // One of them may give a range back.
        await helpersDone();
        range = queue.take();
        if (range === undefined) return;
      }
      // Rows in DuckDB's hands are not all counted against its memory: once one range was too much, the next ones are weighed before.
      if (alone && (await bytesOf(work, reader, range)) > source.reading.memoryBytes / 8 && queue.cut(range)) continue;
      if (await readRange(work, reader, range, `part-${names.taken++}`)) {
        queue.fitted(range);
        continue;
      }
      await close(work, reader);
      const crowded = helpers.size > 0;
      alone = true;
      await helpersDone();
      reader = await open(work);
      if (crowded) queue.giveBack(range);
      else if (!queue.cut(range)) throw await tooWide(work, reader, range);
    }
  } catch (error) {
    // What ends the others by this is not the reason.
    failure ??= { error };
    work.copies.end();
    await Promise.all(helpers.values());
    throw failure.error;
  }
}

/** A further reader. Undefined where the source gives none, or the table's lock cannot be had at once: waiting behind somebody who waits for the first reader would never end. */
async function openBeside(work: Work): Promise<SourceReader | undefined> {
  const { context, decided } = work;
  let reader: SourceReader | undefined;
  try {
    reader = await open(work);
    await reader.execute(`LOCK TABLE ${quoteRelation(decided.relation.relation)} IN ACCESS SHARE MODE NOWAIT`);
    return reader;
  } catch (error) {
    context.log('debug', `${decided.identity.relation} is read on fewer connections: ${String(error)}`);
    if (reader !== undefined) await close(work, reader);
    return undefined;
  }
}

/** Reads one range and has its parts published. False when it did not fit into the memory: the reader is of no use then. */
async function readRange(work: Work, reader: SourceReader, range: TidRange, name: string): Promise<boolean> {
  const { context, copies, publisher, format } = work;
  try {
    const parts = await reader.copy(sqlOf(work, reader, range), name, format);
    for (const part of parts) publisher.add(part);
    copies.finished(
      reader.pid,
      parts.reduce((sum, part) => sum + part.rows, 0),
    );
    return true;
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    context.log('debug', `a range did not fit into the memory: ${rangeSql(range) ?? 'the whole table'}`);
    copies.finished(reader.pid, 0);
    for (const file of await readdir(format.folder)) if (file.startsWith(`${name}-`)) await rm(join(format.folder, file), { force: true });
    return false;
  }
}

/** Bytes of a range's values as text, which is about what they take on their way. */
async function bytesOf({ decided }: PartsJob, reader: SourceReader, range: TidRange): Promise<number> {
  const widths = decided.columns.map(
    ({ source, passage }) => `coalesce(pg_catalog.octet_length((${passage.select(quoteIdentifier(source.name))})::pg_catalog.text), 0)`,
  );
  if (widths.length === 0) return 0;
  const [row] = await reader.query(
    `SELECT coalesce(sum((${widths.join(' + ')})::pg_catalog.int8), 0)::pg_catalog.text AS bytes FROM ${quoteRelation(decided.relation.relation)} WHERE ${rangeSql(range) ?? 'true'}`,
  );
  return Number(row?.bytes ?? 0);
}

/** The error of a row that does not fit even alone, by its key and its widest column. */
async function tooWide(work: Work, reader: SourceReader, range: TidRange): Promise<EngineError> {
  const { decided, options } = work;
  const key = options.table.key ?? decided.relation.primaryKey;
  const sizes = decided.columns.map(
    ({ source: { name }, passage }) => `(${quoteLiteral(name)}, pg_catalog.pg_column_size(${passage.select(quoteIdentifier(name))}))`,
  );
  const widest = `(SELECT s.name FROM (VALUES ${sizes.join(', ')}) AS s(name, size) ORDER BY s.size DESC NULLS LAST LIMIT 1)`;
  const from = `FROM ${quoteRelation(decided.relation.relation)} WHERE ${rangeSql(range) ?? 'true'}`;
  const [row] = await reader.query(
    `SELECT ${rowSql(key, decided.columns)} AS row, ${sizes.length === 0 ? 'NULL::text' : widest} AS widest ${from} LIMIT 1`,
  );
  const widestName = typeof row?.widest === 'string' ? `, most of it in column ${quoteIdentifier(row.widest)}` : '';
  return new EngineError(
    'failed',
    'extract.memory',
    `extracting ${decided.identity.relation}: one row${typeof row?.row === 'string' ? row.row.replace(/^ of the row/, '') : ''} does not fit into the memory given${widestName}`,
    { hint: 'Raise `extract.memory`, or leave that column out (`columns: { exclude: [...] }`); nothing was committed' },
  );
}
