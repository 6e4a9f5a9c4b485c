import { countText } from '../../engine/base/count.ts';
import { effect } from '../../engine/base/effect.ts';
import { type Instant, plusMicros } from '../../engine/base/instant.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import type { NodeContext, NodeType } from '../../engine/connector.ts';
import { EngineError, stoppedError } from '../../engine/error.ts';
import type { NodeResult } from '../../engine/event.ts';
import { commit } from '../../lake/commit.ts';
import type { Lake, LakeWriter } from '../../lake/lake.ts';
import { readTable } from '../../lake/log.ts';
import type { NewFile, TableState } from '../../lake/table.ts';
import { isValueCursor, type ValueCursor } from './cursor.ts';
import { describeRelation } from './describe.ts';
import { decideExtract, type Extract, type ExtractOptions } from './extract-facts.ts';
import { type PartsJob, writeParts } from './extract-parts.ts';
import { describeExtract, surveyExtract } from './extract-plan.ts';
import type { Fence } from './fence.ts';
import { engineFields } from './select.ts';
import type { SharedSnapshot } from './snapshot.ts';
import { type Membership, type PostgresSource, postgresSource } from './source.ts';
import { isSameSource, valueAfter } from './start.ts';

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
    decideExtract(client, options, state, snapshot.server, snapshot.reading.at, snapshot.clockOffsetMs, source.maskKey),
  );
  for (const warning of decided.warnings) context.log('warn', `${options.table.name}: ${warning}`);
  const last = state.last?.commit;
  const known = last !== undefined && isSameSource(last.source, decided.identity) && !decided.clockBack;
  const { cursor } = decided;
  const fence = isValueCursor(cursor) ? noFence : snapshot.fence(known ? state.fence : null, known ? last.candidates : []);
  warnOfHold(context, options, snapshot.reading.at, fence);
  const extractedAt = after(snapshot.reading.at, last?.extractedAt);

  const { folder, writer, files, highest } = await writeAll({ context, source, member, decided, options, extractedAt }, lake);
  let outcome: 'keep' | 'discard' = 'discard';
  try {
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
    return resultOf({
      decided,
      files,
      folder,
      version: done.version,
      extractedAt,
      fence,
      value,
      from: { fence: state.fence, value: last?.value ?? null },
    });
  } finally {
    await writer.close(outcome);
  }
}

interface Written {
  /** Below the table's folder. */
  readonly folder: string;
  /** Open. */
  readonly writer: LakeWriter;
  readonly files: readonly NewFile[];
  readonly highest: string | null;
}

/** Writes and publishes all parts into a new folder. Changes that are too wide for one stream are read in ranges, into a folder of their own: what the stream has published cannot be told apart. */
async function writeAll(job: Omit<PartsJob, 'writer'>, lake: Lake): Promise<Written> {
  const { context, decided, options, extractedAt } = job;
  const into = async (folder: string, inRanges: boolean): Promise<Written> => {
    const writer = await effect('lake.folder', () => lake.write(`${options.folder}/${folder}`));
    try {
      return { folder, writer, ...(await writeParts({ ...job, writer }, inRanges)) };
    } catch (error) {
      await writer.close('discard');
      throw error;
    }
  };
  const folder = `${extractedAt.replaceAll(/[-:.]/g, '')}-${context.runId}${context.attempt > 1 ? `-${context.attempt}` : ''}`;
  if (decided.low === null) return into(folder, true);
  return into(folder, false).catch((error: unknown) => {
    if (!(error instanceof EngineError) || error.code !== 'extract.memory') throw error;
    context.log('debug', `${options.table.name}: the changes are too wide for one stream, and are read in ranges`);
    return into(`${folder}-ranges`, true);
  });
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

/** Facts are kept with each run: they name this many files of it. */
const mostPaths = 20;

interface Done {
  readonly decided: Extract;
  readonly files: readonly NewFile[];
  /** That of the files, below the table's. */
  readonly folder: string;
  readonly version: number;
  readonly extractedAt: Instant;
  readonly fence: Fence;
  /** Of an integer or text cursor: the highest seen. */
  readonly value: string | null | undefined;
  /** Where the extract before ended. */
  readonly from: { readonly fence: Instant | null; readonly value: string | null };
}

function resultOf({ decided, files, folder, version, extractedAt, fence, value, from: before }: Done): NodeResult {
  const rows = files.reduce((sum, f) => sum + f.rows, 0);
  const bytes = files.reduce((sum, f) => sum + f.size, 0);
  const from = decided.low === null ? 'everything' : `from ${decided.low}`;
  const held = fence.holder === undefined ? '' : `, held by ${fence.holder.text}`;
  const lastEnd = value === undefined ? { lastFence: before.fence } : { lastValue: before.value };
  const facts: JsonObject = {
    relation: decided.identity.relation,
    version,
    mode: decided.mode,
    rows,
    bytes,
    columns: decided.columns.length,
    files: files.length,
    paths: files.slice(0, mostPaths).map((f) => `${folder}/${f.path}`),
    ...(decided.cursor === undefined ? {} : { cursor: decided.cursor.column.name }),
    low: decided.low,
    ...(decided.low === null ? {} : lastEnd),
    fence: fence.at,
    ...(value === undefined ? {} : { value }),
    heldBy: fence.holder?.text ?? null,
    heldSince: fence.holder?.since ?? null,
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
