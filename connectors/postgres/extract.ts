import { basename } from 'node:path';
import { countText } from '../../engine/base/count.ts';
import { effect } from '../../engine/base/effect.ts';
import { type Instant, plusMicros } from '../../engine/base/instant.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import type { NodeContext, NodeType } from '../../engine/connector.ts';
import { EngineError, stoppedError } from '../../engine/error.ts';
import type { NodeResult } from '../../engine/event.ts';
import { commit } from '../../lake/commit.ts';
import type { DuckDBConnection } from '../../lake/duckdb.ts';
import type { LakeWriter } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import type { NewFile, TableState } from '../../lake/table.ts';
import { isValueCursor, type ValueCursor } from './cursor.ts';
import { describeRelation } from './describe.ts';
import { postgresError } from './error.ts';
import { decideExtract, type Extract, type ExtractOptions } from './extract-facts.ts';
import { describeExtract, surveyExtract } from './extract-plan.ts';
import { type Fence, keeperLock } from './fence.ts';
import { duckLiteral, engineFields, misfitMark, nullCursorMark, outerSql } from './select.ts';
import type { SharedSnapshot } from './snapshot.ts';
import { type Membership, type PostgresSource, postgresSource } from './source.ts';
import { isSameSource, valueAfter } from './start.ts';

/** Rows of a row group: DuckDB's own default, a good size for readers that skip by statistics. */
const rowGroupRows = 122_880;
const rowGroupBytes = '32MB';
const lookEveryMs = 500;

const codecs = { zstd: 'zstd', snappy: 'snappy', gzip: 'gzip', none: 'uncompressed' } as const;

/**
 * `postgres.extract`: a table, or what changed in it, into Parquet files of its lake folder and then one commit. Safe to run again: files without a
 * commit are nothing, and a commit of this run is recognised.
 */
export const extract: NodeType = {
  type: 'postgres.extract',
  survey: surveyExtract,
  describe: describeExtract,
  run: async (context, options) => runExtract(context, options as unknown as ExtractOptions),
};

async function runExtract(context: NodeContext, options: ExtractOptions): Promise<NodeResult> {
  const source = postgresSource(context.connection(options.source, 'source'));
  const lake = context.connection(options.lake, 'lake');
  context.progress({ doing: 'reading the fence' });
  const member = await source.join(context, options.group, options.folder, {
    leaseName: (folder) => `extract ${lake.uri}/${folder}`,
    versionOf: async (folder) => (await readTable(lake, folder)).version,
  });
  const { snapshot } = member;
  const state = await readTable(lake, options.folder);
  refuseOvertaken(context, options, member, state);
  const decided = await source.control((client) =>
    decideExtract(client, options, state, snapshot.server, snapshot.reading.at, snapshot.clockOffsetMs),
  );
  for (const warning of decided.warnings) context.log('warn', `${options.table.name}: ${warning}`);
  const last = state.last?.commit;
  const known = last !== undefined && isSameSource(last.source, decided.identity) && !decided.clockBack;
  const { cursor } = decided;
  const fence = isValueCursor(cursor) ? noFence : snapshot.fence(known ? state.fence : null, known ? last.candidates : []);
  warnOfHold(context, options, snapshot.reading.at, fence);
  const extractedAt = after(snapshot.reading.at, last?.extractedAt);

  const folder = `${extractedAt.replaceAll(/[-:.]/g, '')}-${context.runId}${context.attempt > 1 ? `-${context.attempt}` : ''}`;
  const writer = await effect('lake.folder', () => lake.write(`${options.folder}/${folder}`));
  let outcome: 'keep' | 'discard' = 'discard';
  try {
    const { files, highest } = await writeParts(context, source, member, decided, options, writer, extractedAt);
    const value = isValueCursor(cursor) ? valueNow(context, options, decided, cursor, last?.value ?? null, highest) : undefined;
    snapshot.check();
    await refuseMovedSchema(source, decided, snapshot);
    const rows = files.reduce((sum, f) => sum + f.rows, 0);
    context.progress({ rows, doing: 'committing' });
    const done = await commit(
      lake,
      state,
      {
        commit: {
          format: 1,
          run: context.runId,
          node: context.nodeId,
          attempt: context.attempt,
          mode: decided.mode,
          extractedAt,
          readAt: snapshot.reading.at,
          fence: fence.at,
          low: decided.low,
          ...(value === undefined ? {} : { value }),
          clockOffsetMs: Math.round(snapshot.clockOffsetMs),
          snapshot: snapshot.id,
          source: decided.identity,
          fingerprint: decided.fingerprint,
          key: decided.key,
          cursor: options.table.cursor ?? null,
          rows,
          candidates: fence.candidates,
        },
        fields: [...decided.columns.map((c) => c.field), ...engineFields],
        configuration: { 'engine.key': JSON.stringify(decided.key), 'engine.relation': decided.identity.relation },
        files: files.map((f) => ({ ...f, path: `${folder}/${f.path}` })),
        check: async () => {
          if (context.signal.aborted) throw stoppedError();
          snapshot.check();
          await member.lease.check();
        },
      },
      context.clock,
    ).catch((error: unknown) => {
      // The entry may be there all the same, and it names these files.
      if (error instanceof EngineError && error.code === 'lake.commit-unknown') outcome = 'keep';
      throw error;
    });
    outcome = 'keep';
    if (done.warning !== undefined) context.log('warn', done.warning);
    await member.leave();
    return resultOf(decided, files, done.version, extractedAt, fence, value);
  } finally {
    await writer.close(outcome);
  }
}

/** An engine with another state store knows nothing of this lease: what it committed since is newer than this snapshot, and must not be covered by it. */
function refuseOvertaken(context: NodeContext, options: ExtractOptions, member: Membership, { last }: TableState): void {
  if (last === undefined || last.version <= member.lakeVersion || last.commit.run === context.runId) return;
  throw new EngineError(
    'refused',
    'lake.moved',
    `run ${last.commit.run} committed lake table ${options.folder} after this run's snapshot`,
    {
      hint: 'Nothing was committed. Run again; engines that share a lake must share a state store (`state`).',
    },
  );
}

/** `_extracted_at` rises with the table's version even when the source's clock does not. */
function after(now: Instant, last: Instant | undefined): Instant {
  return last !== undefined && now <= last ? plusMicros(last, 1n) : now;
}

/** Of a cursor that is no time. */
const noFence: Fence = { at: null, holder: undefined, candidates: [] };

/** Where the next extract by an integer or text cursor starts; warns when the rows above the last one are gone. */
function valueNow(
  context: NodeContext,
  options: ExtractOptions,
  decided: Extract,
  cursor: ValueCursor,
  last: string | null,
  highest: string | null,
): string | null {
  const { value, wentBack } = valueAfter(last, highest, decided.mode, cursor.kind);
  if (wentBack)
    context.log(
      'warn',
      `${options.table.name}: no row has a ${cursor.column.name} of ${last} or more any more: rows were deleted, or the source began to count anew, and then new rows are missed until a run with --full-refresh`,
    );
  return value;
}

function warnOfHold(context: NodeContext, options: ExtractOptions, now: Instant, fence: Fence): void {
  if (fence.holder === undefined) return;
  const limit = plusMicros(now, -BigInt(options.table.maxHoldMs) * 1000n);
  const long = fence.at === null || fence.at < limit;
  context.log(
    long ? 'warn' : 'debug',
    `${options.table.name}: the fence stands at ${fence.at ?? 'nothing yet'}, held by ${fence.holder.text}; rows are fresh, more is read twice`,
  );
}

interface Written {
  readonly files: readonly NewFile[];
  /** The highest value of an integer or text cursor among the rows; null for none. */
  readonly highest: string | null;
}

async function writeParts(
  context: NodeContext,
  source: PostgresSource,
  member: Membership,
  decided: Extract,
  options: ExtractOptions,
  writer: LakeWriter,
  extractedAt: Instant,
): Promise<Written> {
  const duck = await source.duckdb();
  const alias = `source_${context.attempt}_${Math.random().toString(36).slice(2, 10)}`;
  const what = `extracting ${decided.identity.relation}`;
  try {
    if (context.signal.aborted) throw stoppedError();
    await duck.run(
      `ATTACH ${duckLiteral(await source.server.connectionString(`extract ${options.table.name}`))} AS ${alias} (TYPE postgres, READ_ONLY)`,
    );
    await duck.run('BEGIN');
    await duck.run(`CALL postgres_execute('${alias}', ${duckLiteral(`SET TRANSACTION SNAPSHOT '${member.snapshot.id}'`)})`);
    const mark = `SELECT pg_backend_pid() AS pid, pg_advisory_xact_lock_shared(${keeperLock.classId}, ${keeperLock.objectId})::text AS mark`;
    const pid = Number((await duck.runAndReadAll(`SELECT pid FROM postgres_query('${alias}', ${duckLiteral(mark)})`)).getRows()[0]?.[0]);
    let highest: string | null = null;
    const written = await watched(context, source, pid, async () => {
      // Before the rows: those of a foreign table may be newer than it, never older.
      if (decided.highest !== undefined) {
        const found = await duck.runAndReadAll(`SELECT value FROM postgres_query('${alias}', ${duckLiteral(decided.highest)})`);
        const value = found.getRows()[0]?.[0];
        highest = value === undefined || value === null ? null : String(value);
      }
      const copied = await effect('source.copy', () =>
        duck.runAndReadAll(
          `COPY (${outerSql(alias, decided.inner, decided.columns, extractedAt)}) TO ${duckLiteral(writer.localFolder)} (FORMAT parquet, COMPRESSION ${codecs[options.table.lake.compression]}, ROW_GROUP_SIZE ${rowGroupRows}, ROW_GROUP_SIZE_BYTES '${rowGroupBytes}', FILE_SIZE_BYTES ${options.table.lake.targetFileSizeBytes}, FILENAME_PATTERN 'part-{i}', OVERWRITE_OR_IGNORE true, RETURN_STATS true)`,
        ),
      );
      return copied.getRowObjects();
    });
    const files: NewFile[] = [];
    for (const row of written) {
      const rows = Number(row.count);
      const name = basename(String(row.filename));
      if (rows > 0) files.push({ path: name, size: await effect('lake.part', () => writer.publish(name)), rows });
    }
    return { files, highest };
  } catch (error) {
    if (context.signal.aborted) throw stoppedError();
    member.snapshot.check();
    throw extractError(error, what);
  } finally {
    await leaveDuck(duck, alias, context);
  }
}

async function leaveDuck(duck: DuckDBConnection, alias: string, context: NodeContext): Promise<void> {
  for (const statement of ['ROLLBACK', `DETACH ${alias}`])
    await duck.run(statement).catch((error: unknown) => context.log('debug', `${statement}: ${String(error)}`));
  duck.closeSync();
}

/** Runs the copy, tells how far it is by the server's own progress view, and ends the query on the server at once when the run is told to stop. */
async function watched<T>(context: NodeContext, source: PostgresSource, pid: number, body: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const stop = (): void => {
    terminate(source, pid).catch((error: unknown) => context.log('debug', `ending the query on the source: ${String(error)}`));
  };
  if (context.signal.aborted) throw stoppedError();
  context.signal.addEventListener('abort', stop, { once: true });
  const looking = look(context, source, pid, over.signal);
  try {
    return await body();
  } finally {
    context.signal.removeEventListener('abort', stop);
    over.abort();
    await looking;
  }
}

/** On a session of its own: the shared one may wait for a lock. */
async function terminate(source: PostgresSource, pid: number): Promise<void> {
  const client = await source.server.connect('stop');
  try {
    await client.query('SELECT pg_terminate_backend($1)', [pid]);
  } finally {
    await client.end();
  }
}

async function look(context: NodeContext, source: PostgresSource, pid: number, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    try {
      await context.clock.sleep(lookEveryMs, over);
      const found = await source.control((client) =>
        client.query<{ rows: string; bytes: string }>(
          'SELECT tuples_processed::text AS rows, bytes_processed::text AS bytes FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1',
          [pid],
        ),
      );
      const row = found.rows[0];
      if (row !== undefined && !over.aborted) context.progress({ rows: Number(row.rows), bytes: Number(row.bytes), doing: 'copying' });
    } catch (error) {
      if (!over.aborted) context.log('debug', `no progress to be had: ${String(error)}`);
      return;
    }
  }
}

/** DuckDB's error as the engine's: a value that does not fit by name, memory, disk, else what Postgres said. */
function extractError(error: unknown, what: string): EngineError {
  const text = error instanceof Error ? error.message : String(error);
  const misfit = text.indexOf(misfitMark);
  const line = text.slice(misfit).split('\n')[0] ?? '';
  if (misfit >= 0 && line.endsWith(nullCursorMark))
    return new EngineError('failed', 'extract.null-cursor', `${what}: ${line.slice(misfitMark.length)}`, {
      hint: 'Give that row a cursor in the source, or choose `nullCursor: include` or `ignore`; nothing was committed',
    });
  if (misfit >= 0)
    return new EngineError('failed', 'extract.misfit', `${what}: ${line}`, {
      hint: 'Take that column as text: `columns: { types: { <column>: string } }`, or correct the value in the source; nothing was committed',
    });
  if (/out of memory/i.test(text))
    return new EngineError(
      'failed',
      'extract.memory',
      `${what}: a part does not fit into the memory given (${text.split('\n')[0] ?? ''})`,
      {
        cause: error,
        hint: 'Raise `extract.memory`, or leave the widest columns out; nothing was committed',
      },
    );
  if (/no space left on device|disk quota/i.test(text))
    return new EngineError('outside', 'lake.disk-full', `${what}: no space left where the lake's files are written`, {
      cause: error,
      hint: 'Free some space or move the lake; nothing was committed, and unfinished files were removed',
    });
  return postgresError(error, what);
}

/** The snapshot holds rows, not the catalog: a column that changed while it was read, or a table whose rows lie in other files now, makes the attempt void. */
async function refuseMovedSchema(source: PostgresSource, decided: Extract, snapshot: SharedSnapshot): Promise<void> {
  const now = await source.control(async (client) => {
    const relation = await describeRelation(client, decided.relation.relation);
    await snapshot.checkStorage(client, relation);
    return relation;
  });
  if (JSON.stringify(now.columns) !== JSON.stringify(decided.relation.columns))
    throw new EngineError('failed', 'extract.schema-moved', `the columns of ${decided.identity.relation} changed while it was extracted`, {
      retryable: true,
      hint: 'It is tried again with the new columns',
    });
}

function resultOf(
  decided: Extract,
  files: readonly NewFile[],
  version: number,
  extractedAt: Instant,
  fence: Fence,
  value: string | null | undefined,
): NodeResult {
  const rows = files.reduce((sum, f) => sum + f.rows, 0);
  const bytes = files.reduce((sum, f) => sum + f.size, 0);
  const from = decided.low === null ? 'everything' : `from ${decided.low}`;
  const held = fence.holder === undefined ? '' : `, held by ${fence.holder.text}`;
  const facts: JsonObject = {
    version,
    mode: decided.mode,
    rows,
    bytes,
    files: files.length,
    low: decided.low,
    fence: fence.at,
    ...(value === undefined ? {} : { value }),
    heldBy: fence.holder?.text ?? null,
    extractedAt,
  };
  const upTo = value === undefined ? `fence ${fence.at ?? 'none yet'}${held}` : value === null ? 'no value yet' : `up to ${value}`;
  return {
    summary: `${countText(rows, 'row')}, ${from}, ${upTo}; lake v${version}`,
    rows,
    bytes,
    facts,
  };
}
