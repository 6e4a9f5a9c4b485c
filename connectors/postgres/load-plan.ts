import { countText } from '../../engine/base/count.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import type { SurveyContext } from '../../engine/connector.ts';
import { EngineError, type ErrorData } from '../../engine/error.ts';
import type { NodePlan } from '../../engine/plan.ts';
import { copySql } from './copy.ts';
import { csvForm, preferredForm } from './copy-form.ts';
import { postgresError } from './error.ts';
import { quoteIdentifier, quoteRelation, showRelation } from './identifier.ts';
import { ledgerAccess, ledgerInsert, readLedger } from './ledger.ts';
import { decideLoad, keyOf, type LoadDecision } from './load-decision.ts';
import { type LoadOptions, loadOptions } from './load-options.ts';
import { loadLockSql, stagingLockSql } from './lock.ts';
import { appendSql, arrivals, arrivalsStatement, mergeSql } from './merge.ts';
import { postgresSink } from './sink.ts';
import {
  changeStaging,
  describeStaging,
  type StagingColumn,
  type StagingTable,
  stagingColumns,
  stagingKey,
  truncateSql,
} from './staging.ts';

/** What a plan says of a load, read with read rights only. */
export interface LoadSurvey {
  readonly refused: ErrorData | null;
  readonly action: LoadDecision['action'];
  readonly because: string | null;
  readonly lakeVersion: number;
  readonly lakeTableId: string | null;
  readonly versions: readonly {
    readonly version: number;
    readonly kind: 'full' | 'changes';
    readonly files: number;
    readonly rows: number | null;
    readonly bytes: number;
  }[];
  readonly ledger: { readonly version: number; readonly lakeTableId: string } | null;
  readonly ledgerHidden: boolean;
  readonly schemaExists: boolean;
  readonly staging: { readonly rowsEstimate: number | null } | null;
  /** What giving staging its shape takes, for a replacing load and for a merging one. */
  readonly shape: readonly string[];
  readonly lacking: readonly string[];
  readonly replaceSql: readonly string[];
  readonly mergeSql: readonly string[];
  /** Why a full load cannot be, where merging could. */
  readonly noReplace: ErrorData | null;
}

/** Reads the lake's log, the ledger and the sink's catalogue. What a run would refuse is told in the facts. */
export async function surveyLoad(context: SurveyContext, given: JsonObject): Promise<JsonObject> {
  const options = loadOptions(given);
  const sink = postgresSink(context.connection(options.sink, 'sink'));
  const lake = context.connection(options.lake, 'lake');
  const client = await sink.server.connect(`plan load ${showRelation(options.into)}`);
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY');
    const access = await ledgerAccess(client);
    const ledger = access === 'readable' ? await readLedger(client, options.into) : undefined;
    const staging = await describeStaging(client, options.into);
    const schema = await client.query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [options.into.schema]);
    const empty: LoadSurvey = {
      refused: null,
      action: 'nothing',
      because: null,
      lakeVersion: -1,
      lakeTableId: null,
      versions: [],
      ledger: ledger === undefined ? null : { version: ledger.version, lakeTableId: ledger.lakeTableId },
      ledgerHidden: access === 'hidden',
      schemaExists: schema.rows.length > 0,
      staging: staging === undefined ? null : { rowsEstimate: staging.rowsEstimate ?? null },
      shape: [],
      lacking: [],
      replaceSql: [],
      mergeSql: [],
      noReplace: null,
    };
    let facts = empty;
    try {
      const decision = await decideLoad(lake, options.folder, ledger, staging !== undefined);
      const columns = await stagingColumns(client, decision.state.fields);
      facts = { ...empty, ...factsOf(options, decision, staging, columns) };
    } catch (error) {
      if (!(error instanceof EngineError) || error.retryable) throw error;
      facts = { ...empty, refused: error.toData() };
    }
    return facts as unknown as JsonObject;
  } catch (error) {
    throw postgresError(error, `planning the load of ${showRelation(options.into)}`);
  } finally {
    await client.end();
  }
}

function factsOf(
  options: LoadOptions,
  decision: LoadDecision,
  staging: StagingTable | undefined,
  columns: readonly StagingColumn[],
): Partial<LoadSurvey> {
  const { state } = decision;
  const key = keyOf(decision);
  const unique = stagingKey(key, options.load);
  const known = columns.length > 0;
  const merging = changeStaging(options.into, staging, columns, unique, false);
  const replacing = changeStaging(options.into, staging, columns, unique, true);
  const problem = known ? (decision.action === 'replace' ? replacing.problem : merging.problem) : undefined;
  const shape = { into: options.into, columns: columns.map((c) => c.name), key };
  const schema = `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(options.into.schema)}`;
  const making = known ? (merging.create === undefined ? merging.alter : [schema, merging.create]) : [];
  return {
    refused: problem?.toData() ?? null,
    noReplace: known ? (replacing.problem?.toData() ?? null) : null,
    action: decision.action,
    because: decision.because ?? null,
    lakeVersion: state.version,
    lakeTableId: state.metadata?.id ?? null,
    versions: decision.versions.map((v) => ({
      version: v.version,
      kind: v.kind,
      files: v.files.length,
      rows: v.rows ?? null,
      bytes: v.files.reduce((sum, f) => sum + f.size, 0),
    })),
    shape: making,
    lacking: columns.filter((c) => c.lacking !== undefined).map((c) => `${c.name}: ${c.lacking} becomes ${c.type}`),
    replaceSql: known
      ? [
          'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
          loadLockSql,
          ...(staging === undefined ? making : [stagingLockSql(options.into), ...making, truncateSql(options.into)]),
          copySql(quoteRelation(options.into), columns, preferredForm(columns, Number.POSITIVE_INFINITY), true),
          ledgerInsert,
          'COMMIT',
        ]
      : [],
    mergeSql:
      known && (key.length > 0 || options.load === 'append')
        ? [
            'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
            loadLockSql,
            ...(making.length === 0 ? [] : [stagingLockSql(options.into), ...making]),
            arrivalsStatement(shape),
            copySql(arrivals, columns, csvForm, false),
            options.load === 'merge' ? mergeSql(shape) : appendSql(shape, []),
            ledgerInsert,
            'COMMIT',
          ]
        : [],
  };
}

/** What a load in this plan would do: what waits in the lake, and what the extract before it brings. */
interface Outlook {
  readonly facts: LoadSurvey;
  readonly target: string;
  readonly action: 'create' | 'replace' | 'merge' | 'nothing' | 'refused';
  readonly refused: ErrorData | null;
  readonly rowsEstimate: number | undefined;
  readonly bytesEstimate: number | undefined;
  readonly extract: NodePlan | undefined;
}

function outlookOf(options: LoadOptions, given: JsonObject, earlier: ReadonlyMap<string, NodePlan>): Outlook {
  const facts = given as unknown as LoadSurvey;
  const extract = earlier.get(`extract ${options.table}`);
  const brings = extract !== undefined && extract.action !== 'refused' && extract.action !== 'nothing';
  const takesAll = brings && options.mode === 'full';
  const pending = takesAll ? [] : facts.versions;
  const rows = [...pending.map((v) => v.rows ?? 0), ...(brings ? [extract.rowsEstimate ?? 0] : [])];
  const bytes = [...pending.map((v) => v.bytes), ...(brings ? [extract.bytesEstimate ?? 0] : [])];
  const replaces = takesAll || facts.action === 'replace' || (brings && facts.lakeVersion < 0);
  const refused = facts.refused ?? (replaces ? facts.noReplace : null);
  const idle = !brings && facts.versions.length === 0;
  // An extract whose rows nobody could estimate leaves the load without an estimate too.
  const unknown = idle || (brings && extract.rowsEstimate === undefined);
  return {
    facts,
    target: showRelation(options.into),
    action: refused !== null ? 'refused' : idle ? 'nothing' : facts.staging === null ? 'create' : replaces ? 'replace' : 'merge',
    refused,
    rowsEstimate: unknown ? undefined : rows.reduce((a, b) => a + b, 0),
    bytesEstimate: unknown ? undefined : bytes.reduce((a, b) => a + b, 0),
    extract: brings ? extract : undefined,
  };
}

/** The plan of `postgres.load`. */
export function describeLoad(given: JsonObject, surveyed: JsonObject, earlier: ReadonlyMap<string, NodePlan>): NodePlan {
  const options = loadOptions(given);
  const outlook = outlookOf(options, surveyed, earlier);
  const { facts, target, action } = outlook;
  const common = { warnings: warningsOf(facts), pins: pinsOf(facts) };
  if (outlook.refused !== null) return refusal(outlook.refused, common);
  if (action === 'nothing')
    return {
      ...common,
      action,
      summary:
        facts.lakeVersion < 0
          ? `${target}: nothing in the lake yet`
          : `${target} is at lake v${facts.ledger?.version ?? facts.lakeVersion}: nothing to load`,
      details: [],
      moves: false,
      sql: [],
    };
  const details = [
    facts.ledger === null ? 'the ledger knows no load of this table' : `loaded so far: lake v${facts.ledger.version}`,
    ...waiting(facts),
    ...(outlook.extract === undefined ? [] : ['and what the extract before it brings']),
    ...(facts.because === null ? [] : [`more than the ledger asks for: ${facts.because}`]),
    ...(action === 'create' ? ['staging is made, with the types of the source'] : facts.shape.map((s) => `changes its shape: ${s}`)),
    ...(options.load === 'append' ? ['keeps every version (a full extract replaces them all)'] : []),
    action === 'merge'
      ? `locks: ROW EXCLUSIVE (readers and writers go on)${facts.shape.length > 0 ? ', ACCESS EXCLUSIVE for the new column' : ''}`
      : action === 'create'
        ? 'locks: none that others could meet'
        : 'locks: ACCESS EXCLUSIVE from TRUNCATE to COMMIT (readers wait, and see the old rows or the new ones)',
  ];
  return {
    ...common,
    action,
    summary: `${target}: ${action === 'merge' ? (options.load === 'append' ? 'adds versions' : `merges by key`) : action === 'create' ? 'makes and fills it' : 'replaces its rows'}`,
    details,
    ...(outlook.rowsEstimate === undefined ? {} : { rowsEstimate: outlook.rowsEstimate }),
    ...(outlook.bytesEstimate === undefined ? {} : { bytesEstimate: outlook.bytesEstimate }),
    moves: facts.versions.length > 0 || outlook.extract?.moves === true,
    sql: action === 'merge' ? facts.mergeSql : facts.replaceSql,
  };
}

/** The plan of `postgres.truncate`: what is destroyed. */
export function describeTruncate(given: JsonObject, surveyed: JsonObject, earlier: ReadonlyMap<string, NodePlan>): NodePlan {
  const options = loadOptions(given);
  const outlook = outlookOf(options, surveyed, earlier);
  const { facts, target, action } = outlook;
  const common = { warnings: [], pins: pinsOf(facts) };
  if (outlook.refused !== null) return refusal(outlook.refused, common);
  if (action !== 'replace')
    return {
      ...common,
      action: 'nothing',
      summary: `${target}: ${action === 'create' ? 'not there yet' : 'nothing to empty'}`,
      details: [],
      moves: false,
      sql: [],
    };
  const rows = facts.staging?.rowsEstimate ?? undefined;
  return {
    ...common,
    action: 'replace',
    summary: `${target}: ${rows === undefined ? 'all its rows' : `~${countText(rows, 'row')}`} ${rows === 1 ? 'is' : 'are'} replaced`,
    details: [
      'in one transaction with the load: nobody sees it empty',
      'views, grants, indexes and comments stay',
      'locks: ACCESS EXCLUSIVE',
    ],
    ...(rows === undefined ? {} : { rowsEstimate: rows }),
    moves: true,
    sql: [stagingLockSql(options.into), truncateSql(options.into)],
  };
}

function refusal(error: ErrorData, common: { readonly warnings: readonly string[]; readonly pins: JsonObject }): NodePlan {
  return {
    ...common,
    action: 'refused',
    trouble: error.trouble,
    summary: error.message,
    details: error.hint === undefined ? [] : [error.hint],
    moves: false,
    sql: [],
  };
}

function waiting(facts: LoadSurvey): readonly string[] {
  return facts.versions.map(
    (v) =>
      `waits in the lake: v${v.version}, ${v.kind}, ${countText(v.files, 'file')}${v.rows === null ? '' : `, ${countText(v.rows, 'row')}`}`,
  );
}

function warningsOf(facts: LoadSurvey): readonly string[] {
  return [
    ...(facts.ledgerHidden ? ['this role may not read engine.loads: what was loaded so far is not known here'] : []),
    ...facts.lacking.map((text) => `staging cannot have a type of the source; ${text}`),
  ];
}

function pinsOf(facts: LoadSurvey): JsonObject {
  return {
    lakeVersion: facts.lakeVersion,
    lakeTableId: facts.lakeTableId,
    ledgerVersion: facts.ledger?.version ?? null,
    ledgerTableId: facts.ledger?.lakeTableId ?? null,
    stagingExists: facts.staging !== null,
    shape: facts.shape,
  };
}
