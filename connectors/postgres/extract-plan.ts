import type { Client } from 'pg';
import { instantToMicros } from '../../engine/base/instant.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import type { SurveyContext } from '../../engine/connector.ts';
import { EngineError, type ErrorData } from '../../engine/error.ts';
import type { NodePlan } from '../../engine/plan.ts';
import { readTable } from '../../lake/log.ts';
import { isValueCursor } from './cursor.ts';
import { postgresError } from './error.ts';
import { withoutDetails, withoutValues } from './extract-error.ts';
import { decideExtract, type Extract, type ExtractOptions, lookbackOf } from './extract-facts.ts';
import { filesOf, type MeasuredFiles, rangesOf, readersFor } from './extract-files.ts';
import { rangeSql, type TidRange } from './extract-ranges.ts';
import { showRelation } from './identifier.ts';
import { firstHolder } from './lock.ts';
import { isMasked, masksText } from './mask.ts';
import { fenceFromReadings, readServerFacts, readUntilSettled, type ServerFacts } from './snapshot.ts';
import { postgresSource } from './source.ts';
import { isSameSource } from './start.ts';

/** What a plan says of an extract, read with read rights only and nothing changed. */
interface ExtractSurvey {
  readonly relation: string;
  readonly refused: ErrorData | null;
  readonly mode: 'full' | 'incremental';
  readonly low: string | null;
  readonly lastFence: string | null;
  readonly lookbackMs: number;
  /** Of an integer or text cursor, for which there is no fence. */
  readonly values: { readonly kind: 'integer' | 'text'; readonly last: string | null; readonly lookbackUnits: number } | null;
  readonly fence: string | null;
  readonly heldBy: string | null;
  readonly seesAll: boolean;
  readonly standby: boolean;
  /** On a standby: what else holds it back. */
  readonly standbyTroubles: readonly string[];
  readonly version: number;
  readonly rowsEstimate: number | null;
  readonly bytesEstimate: number | null;
  readonly columns: number;
  readonly warnings: readonly string[];
  readonly sql: readonly string[];
  /** How many statements read it, and how many of them at once. */
  readonly ranges: number;
  readonly atOnce: number;
  readonly fingerprint: string | null;
}

/** Reads the source's catalog, its running transactions, the planner's estimate and the lake's state. An extract that a run would refuse is told in the facts. */
export async function surveyExtract(context: SurveyContext, given: JsonObject): Promise<JsonObject> {
  const options = given as unknown as ExtractOptions;
  const source = postgresSource(context.connection(options.source, 'source'));
  const lake = context.connection(options.lake, 'lake');
  const { server, readings } = await source.control(async (client) => ({
    server: await readServerFacts(client),
    readings: await readUntilSettled(client, context.clock, context.signal, false),
  }));
  const now = readings[0]?.at ?? '';
  const offset = Number(instantToMicros(now) / 1000n) - context.clock.now();
  const state = await readTable(lake, options.folder);
  const last = state.last?.commit;
  const known = last !== undefined && last.source.systemIdentifier === server.systemIdentifier && last.source.database === server.database;
  const fence = fenceFromReadings(server, readings, known ? state.fence : null, known ? last.candidates : []);
  const base: ExtractSurvey = {
    relation: showRelation(options.table.relation),
    refused: null,
    mode: options.mode,
    low: null,
    lastFence: state.fence,
    lookbackMs: lookbackOf(options.table, server, last?.source),
    values: null,
    fence: fence.at,
    heldBy: fence.holder?.text ?? null,
    seesAll: server.seesAll,
    standby: server.standby,
    standbyTroubles: server.standby ? standbyTroubles(server) : [],
    version: state.version,
    rowsEstimate: null,
    bytesEstimate: null,
    columns: 0,
    warnings: [],
    sql: [],
    ranges: 1,
    atOnce: 1,
    fingerprint: null,
  };
  try {
    const { decided, estimate } = await source.control(async (client) => {
      const extract = await decideExtract(client, options, state, server, now, offset, source.maskKey);
      return {
        decided: extract,
        estimate: await estimateOf(client, extract, (files) => rangesOf(files, options, source.reading), server, isMasked(options.table)),
      };
    });
    const { ranges } = estimate;
    const first = ranges[0] === undefined ? undefined : rangeSql(ranges[0]);
    const facts: ExtractSurvey = {
      ...base,
      mode: decided.mode,
      low: decided.low,
      values: isValueCursor(decided.cursor)
        ? { kind: decided.cursor.kind, last: last?.value ?? null, lookbackUnits: options.table.lookbackUnits ?? 0 }
        : null,
      rowsEstimate: estimate.rows,
      bytesEstimate: estimate.bytes,
      columns: decided.columns.length,
      warnings: [
        ...decided.warnings,
        ...(estimate.locked === undefined ? [] : [estimate.locked]),
        ...(last !== undefined && !isSameSource(last.source, decided.identity)
          ? ['the lake holds rows of another source: they are replaced']
          : []),
      ],
      sql: [
        first === undefined
          ? decided.inner()
          : `-- the first of ${ranges.length} ranges, which differ in ctid only\n${decided.inner(first)}`,
      ],
      ranges: Math.max(1, ranges.length),
      atOnce: readersFor(options, source.reading, ranges.length),
      fingerprint: decided.fingerprint,
    };
    return facts as unknown as JsonObject;
  } catch (error) {
    if (!(error instanceof EngineError) || error.retryable) throw error;
    return { ...base, refused: error.toData() } as unknown as JsonObject;
  }
}

function standbyTroubles(server: ServerFacts): readonly string[] {
  return [
    ...(server.replayPaused ? ['replay is paused on the standby: the fence stands still (SELECT pg_wal_replay_resume())'] : []),
    ...(server.standbyFeedback ? [] : ['hot_standby_feedback is off on the standby: a long extract can be cancelled']),
  ];
}

/** What the planner thinks; null with the reason where the table is locked. */
interface Estimate {
  readonly rows: number | null;
  readonly bytes: number | null;
  /** None where it is read as one stream. */
  readonly ranges: readonly TidRange[];
  readonly locked?: string;
}

/** A plan that waits for a lock would look as if it hung, and hold up all that queue behind it. */
const lockTimeoutMs = 2000;

/** A plan as cheap as this is tried for its first row: the planner never estimates less than one. */
const cheap = { rows: 1000, cost: 20_000 };
const probeTimeoutMs = 2000;

interface Planned {
  readonly 'QUERY PLAN': readonly {
    readonly Plan: { readonly 'Plan Rows': number; readonly 'Plan Width': number; readonly 'Total Cost': number };
  }[];
}

async function estimateOf(
  client: Client,
  decided: Extract,
  plan: (files: MeasuredFiles) => readonly TidRange[],
  server: ServerFacts,
  masked: boolean,
): Promise<Estimate> {
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  try {
    const estimate = await askPlanner(client, decided, masked);
    const files = decided.low === null ? await filesOf(async (sql) => (await client.query(sql)).rows, decided.relation, server) : undefined;
    return { ...estimate, ranges: files === undefined ? [] : plan(files) };
  } catch (error) {
    if (!isLockTimeout(error)) throw (masked ? withoutDetails : postgresError)(error, asking(decided));
  } finally {
    // A session that is gone has no transaction any more.
    await client.query('ROLLBACK').catch(() => undefined);
  }
  const holder = await firstHolder(
    client,
    `l.locktype = 'relation' AND l.relation = $1::text::oid AND l.mode = 'AccessExclusiveLock'
     AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`,
    decided.relation.oid,
  );
  const by = holder === undefined ? 'by another session' : `by ${holder.text}`;
  return {
    rows: null,
    bytes: null,
    ranges: [],
    locked: `${decided.identity.relation} is locked ${by}: there is no estimate, and an extract waits until the lock is gone`,
  };
}

const isLockTimeout = (error: unknown): boolean => (error as { readonly code?: unknown }).code === '55P03';

const asking = ({ identity }: Extract): string => `asking the planner about ${identity.relation}`;

async function askPlanner(client: Client, decided: Extract, masked: boolean): Promise<Pick<Estimate, 'rows' | 'bytes'>> {
  const { rows } = await client.query<Planned>(`EXPLAIN (FORMAT JSON) ${decided.inner()}`);
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (plan === undefined) return { rows: 0, bytes: 0 };
  if (decided.low !== null && plan['Plan Rows'] <= cheap.rows && plan['Total Cost'] <= cheap.cost) {
    const empty = await isEmpty(client, decided.inner()).catch((error: unknown) => {
      // Here rows are read.
      throw masked && !isLockTimeout(error) ? withoutValues(error, asking(decided)) : error;
    });
    if (empty) return { rows: 0, bytes: 0 };
  }
  return { rows: plan['Plan Rows'], bytes: plan['Plan Rows'] * plan['Plan Width'] };
}

/** False also where that cannot be said soon: a view may do anything. */
async function isEmpty(client: Client, sql: string): Promise<boolean> {
  try {
    await client.query(`SET LOCAL statement_timeout = ${probeTimeoutMs}`);
    return (await client.query(`SELECT FROM (${sql}) AS taken LIMIT 1`)).rowCount === 0;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === '57014') return false;
    throw error;
  }
}

/** The plan of an extract. */
export function describeExtract(given: JsonObject, surveyed: JsonObject): NodePlan {
  const options = given as unknown as ExtractOptions;
  const facts = surveyed as unknown as ExtractSurvey;
  const pins = { version: facts.version, fingerprint: facts.fingerprint };
  if (facts.refused !== null)
    return {
      action: 'refused',
      trouble: facts.refused.trouble,
      summary: facts.refused.message,
      details: facts.refused.hint === undefined ? [] : [facts.refused.hint],
      warnings: [],
      moves: false,
      sql: facts.sql,
      pins,
    };
  const details: string[] = [];
  if (facts.low === null) details.push(facts.version < 0 ? 'the first extract: every row in the snapshot' : 'every row in the snapshot');
  else if (facts.values !== null)
    details.push(
      `rows with ${options.table.cursor ?? 'cursor'} from ${facts.low} (the highest value seen${facts.values.lookbackUnits === 0 ? '' : `, ${facts.values.last}, less ${facts.values.lookbackUnits}`}), no upper bound`,
    );
  else
    details.push(
      `rows with ${options.table.cursor ?? 'cursor'} from ${facts.low} (the last fence ${facts.lastFence ?? 'none'} less ${facts.lookbackMs / 1000} s), no upper bound`,
    );
  if (isMasked(options.table)) details.push(`masked by the source: ${masksText(options.table)}`);
  if (facts.ranges > 1) details.push(`in ${facts.ranges} ranges of pages (ctid), ${facts.atOnce} at once`);
  if (facts.values !== null)
    details.push('no fence: the cursor is no time; the next extract starts at the highest value that this one sees');
  else if (options.mode === 'incremental' || options.table.cursor !== undefined)
    details.push(`the next fence would be ${facts.fence ?? 'none yet'}${facts.heldBy === null ? '' : `, held by ${facts.heldBy}`}`);
  const warnings = [...facts.warnings];
  if (facts.values !== null && options.mode === 'incremental')
    warnings.push(
      `no fence: a row that commits after a run with a lower ${options.table.cursor ?? 'cursor'} than that run saw is missed until a full run${facts.values.kind === 'integer' ? ', unless it lies within `lookback`' : ''}`,
    );
  if (facts.standby)
    warnings.push(
      facts.values === null
        ? 'the source is a standby, so this is never exact: a transaction on the primary that runs longer than the lookback can be missed'
        : 'the source is a standby: rows come as late as it replays them',
      ...facts.standbyTroubles,
    );
  else if (facts.values === null && !facts.seesAll && options.mode === 'incremental')
    warnings.push(
      'this role may not see when other transactions began: the fence waits for their sessions to end them (GRANT pg_read_all_stats makes it exact at once)',
    );
  return {
    action: 'read',
    summary: `${facts.relation} -> lake ${options.folder}/, ${facts.mode}, ${facts.columns} columns`,
    details,
    warnings,
    ...(facts.rowsEstimate === null ? {} : { rowsEstimate: facts.rowsEstimate }),
    ...(facts.bytesEstimate === null ? {} : { bytesEstimate: facts.bytesEstimate }),
    moves: facts.low === null || (facts.rowsEstimate ?? 1) > 0,
    sql: facts.sql,
    pins,
  };
}
