import { effect } from '../../engine/base/effect.ts';
import type { Json } from '../../engine/base/json.ts';
import type { Lease, NodeContext, UnitResource } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import type { Lake } from '../../lake/lake.ts';
import type { VersionToLoad } from '../../lake/table.ts';
import { type Attempt, attemptOf, explainLoss, leaseTarget, proveNewest, registerAttempt } from './attempt-register.ts';
import { placeOf } from './connect.ts';
import { copyPart, copySql, extractsIn, type Part, type PartsSource, partsOf, type ReadAhead, readAhead } from './copy.ts';
import { type CopyForm, csvForm, preferredForm } from './copy-form.ts';
import { quoteRelation, showRelation } from './identifier.ts';
import { forgetFrom, type LedgerRow, prepareLedger, readLedger, writeLedger } from './ledger.ts';
import { decideLoad, keyOf, type LoadDecision } from './load-decision.ts';
import type { LoadOptions } from './load-options.ts';
import { attended, commitLoad, gatherStatistics, type LoadSession, loadError, openLoadSession, patienceOf } from './load-session.ts';
import { type LoadWorkspace, openWorkspace } from './load-workspace.ts';
import { lockLoads, lockStaging } from './lock.ts';
import { arrivals, arrivalsStatement, type MergeShape } from './merge.ts';
import { type LoadCounts, mergeArrivals } from './merge-arrivals.ts';
import { type PostgresSink, postgresSink } from './sink.ts';
import {
  changeStaging,
  describeStaging,
  type StagingColumn,
  type StagingTable,
  stagingColumns,
  stagingKey,
  truncateSql,
} from './staging.ts';

/** What a load did, version by version. */
export interface Loaded extends LoadCounts {
  readonly versions: readonly number[];
  readonly bytes: number;
  readonly replaced: boolean;
  /** Files of the lake that the versions are made of. */
  readonly files: number;
  /** Staging was made by this load. */
  readonly created: boolean;
  readonly columnsAdded: readonly string[];
  /** Rows that were there before they were replaced, as the planner knew them. */
  readonly rowsBefore: number | undefined;
  readonly decision: LoadDecision;
}

/**
 * The one transaction of `truncate` and `load` on one target: data and ledger land together or not at all. Opened by whichever node comes first, ended by the
 * executor. Nothing in it waits for a lock without end, and staging is locked only once the first part is ready to be sent.
 */
export interface LoadUnit extends UnitResource {
  readonly decision: LoadDecision;
  /** Empties staging when a full version is due (else does nothing); returns the rows that were there as the planner knows them. */
  empty(context: NodeContext): Promise<{ readonly emptied: boolean; readonly rowsEstimate: number | undefined }>;
  load(context: NodeContext): Promise<Loaded>;
}

/** A version, or a part of one that holds several extracts, in the order of loading. */
interface Step {
  readonly version: VersionToLoad;
  readonly source: PartsSource;
  readonly whole: boolean;
}

/** Opens the transaction and decides what it has to do. Joined by target, so that both nodes of a unit share it. */
export async function joinLoadUnit(context: NodeContext, options: LoadOptions): Promise<LoadUnit> {
  return context.unit.join(`load ${quoteRelation(options.into)}`, () => openLoadUnit(context, options));
}

async function openLoadUnit(context: NodeContext, options: LoadOptions): Promise<LoadUnit> {
  const sink = postgresSink(context.connection(options.sink, 'sink'));
  const lake = context.connection(options.lake, 'lake');
  const patience = patienceOf(context, options);
  const place = placeOf(await sink.server.parameters());
  const lease = await leaseTarget(context, place, options.into, patience);
  const attempt = attemptOf(context, lease, place);
  const session = await openLoadSession(context, sink.server, options);
  const { client } = session;
  try {
    return await attended(context, session, nothing, async () => {
      await effect('sink.prepare', () => prepareLedger(client, options.into.schema));
      await effect('sink.attempt', () => registerAttempt(context, session, attempt, patience));
      await effect('sink.lock', async () => {
        await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
        await lockLoads(client, options.into, patience);
      });
      const staging = await describeStaging(client, options.into);
      const decision = await decideLoad(lake, options.folder, await readLedger(client, options.into), staging !== undefined);
      return new Transaction(session, lake, decision, staging, context, sink, attempt, lease);
    });
  } catch (error) {
    await client.end().catch((late: unknown) => context.log('debug', `closing the session: ${String(late)}`));
    throw error;
  }
}

class Transaction implements LoadUnit {
  readonly decision: LoadDecision;
  readonly #session: LoadSession;
  readonly #lake: Lake;
  readonly #opener: NodeContext;
  readonly #budget: NonNullable<PostgresSink['duckdb']>;
  readonly #later: PostgresSink['later'];
  readonly #key: readonly string[];
  readonly #attempt: Attempt;
  readonly #lease: Lease | undefined;
  #staging: StagingTable | undefined;
  #columns: readonly StagingColumn[] = [];
  #form: CopyForm = csvForm;
  #steps: readonly Step[] = [];
  #first: ReadAhead<Part> | undefined;
  #workspace: LoadWorkspace | undefined;
  /** What is under way; the session and DuckDB are closed only when it has ended. */
  #work: Promise<unknown> = Promise.resolve();
  #emptied: { readonly emptied: boolean; readonly rowsEstimate: number | undefined } | undefined;
  #shaped: Pick<Loaded, 'created' | 'columnsAdded'> = { created: false, columnsAdded: [] };
  #wrote: LedgerRow[] = [];
  #over = false;

  constructor(
    session: LoadSession,
    lake: Lake,
    decision: LoadDecision,
    staging: StagingTable | undefined,
    opener: NodeContext,
    sink: PostgresSink,
    attempt: Attempt,
    lease: Lease | undefined,
  ) {
    this.#attempt = attempt;
    this.#lease = lease;
    this.#session = session;
    this.#budget = sink.duckdb ?? smallBudget;
    this.#later = sink.later;
    this.#lake = lake;
    this.decision = decision;
    this.#staging = staging;
    this.#opener = opener;
    this.#key = keyOf(decision);
  }

  async empty(context: NodeContext): Promise<{ readonly emptied: boolean; readonly rowsEstimate: number | undefined }> {
    if (this.decision.action !== 'replace') return { emptied: false, rowsEstimate: undefined };
    return await this.#attended(context, () => this.#shape(context));
  }

  async load(context: NodeContext): Promise<Loaded> {
    const { decision } = this;
    if (decision.action === 'nothing')
      return { ...noCounts, ...this.#shaped, versions: [], bytes: 0, files: 0, replaced: false, rowsBefore: undefined, decision };
    return await this.#attended(context, async () => {
      const shaped = await this.#shape(context);
      const rowsOf = sum(decision.versions.map((v) => v.rows ?? 0));
      let total = { ...noCounts, bytes: 0 };
      for (const version of decision.versions) {
        let counts = noCounts;
        for (const step of this.#steps.filter((s) => s.version === version)) {
          const before = { rows: total.rows + counts.rows, bytes: total.bytes };
          const doing = step.whole ? 'copying' : 'merging';
          const done = await this.#step(step, (rows, bytes) =>
            context.progress({ rows: before.rows + rows, rowsOf, bytes: before.bytes + bytes, doing }),
          );
          counts = add(counts, done.counts);
          total = { ...total, bytes: total.bytes + done.bytes };
        }
        await this.#record(context, version, counts);
        total = { ...add(total, counts), bytes: total.bytes };
      }
      return {
        ...total,
        ...this.#shaped,
        versions: decision.versions.map((v) => v.version),
        files: sum(decision.versions.map((v) => v.files.length)),
        replaced: shaped.emptied,
        rowsBefore: shaped.emptied ? shaped.rowsEstimate : undefined,
        decision,
      };
    });
  }

  #attended<T>(context: NodeContext, body: () => Promise<T>): Promise<T> {
    const work = attended(context, this.#session, () => this.#workspace?.duck.interrupt(), body).catch((error: unknown) =>
      explainLoss(this.#lease, error),
    );
    this.#work = work.catch(nothing);
    return work;
  }

  /** Once: opens DuckDB, makes the first part, then gives staging its shape, empty when it is to be replaced. */
  async #shape(context: NodeContext): Promise<{ readonly emptied: boolean; readonly rowsEstimate: number | undefined }> {
    if (this.#emptied !== undefined) return this.#emptied;
    const { client, options } = this.#session;
    const replaces = this.decision.action === 'replace';
    this.#columns = await stagingColumns(client, this.decision.state.fields);
    const { versions } = this.decision;
    const merges = !replaces || versions.length > 1 || versions[0]?.severalVersions === true;
    if (merges && options.load === 'merge' && this.#key.length === 0)
      throw new EngineError('refused', 'load.no-key', `${showRelation(options.into)} cannot be merged: the table has no key`, {
        hint: 'Give it a `key:`, take it in full, or keep every version with `load: append`.',
      });
    for (const column of this.#columns)
      if (column.lacking !== undefined && this.#staging === undefined)
        context.log(
          'warn',
          `${showRelation(options.into)}: staging cannot have the type ${column.lacking} for column ${column.name}; it becomes ${column.type}`,
        );
    // What cannot be is found out before anything is made or locked.
    this.#change(replaces);
    if (versions.some((v) => v.files.length > 0)) await this.#openWorkspace(context);
    this.#steps = await this.#plan();
    const first = this.#steps[0];
    if (first !== undefined && first.source.files.length > 0) {
      context.progress({ doing: 'reading the lake' });
      this.#first = readAhead(partsOf(this.#open().duck, first.source, this.#open().folder));
      await this.#first.ready();
    }
    await effect('sink.shape', () => this.#reshape(context, replaces));
    this.#emptied = { emptied: replaces, rowsEstimate: this.#staging?.rowsEstimate };
    this.#staging = await describeStaging(client, options.into);
    return this.#emptied;
  }

  async #reshape(context: NodeContext, replaces: boolean): Promise<void> {
    const { client, options } = this.#session;
    const wanted = this.#change(replaces);
    if (wanted.create !== undefined) {
      await client.query(wanted.create);
      this.#shaped = { created: true, columnsAdded: [] };
      return;
    }
    if (!replaces && wanted.alter.length === 0) return;
    context.progress({ doing: 'waiting for the table' });
    await lockStaging(client, options.into, this.#staging?.oid ?? '0', patienceOf(context, options));
    this.#staging = await describeStaging(client, options.into);
    const { alter, added } = this.#change(replaces);
    for (const statement of alter) await client.query(statement);
    this.#shaped = { created: false, columnsAdded: added };
    if (replaces) await client.query(truncateSql(options.into));
  }

  #change(replaces: boolean): ReturnType<typeof changeStaging> {
    const { options } = this.#session;
    const change = changeStaging(options.into, this.#staging, this.#columns, stagingKey(this.#key, options.load), replaces);
    if (change.problem !== undefined) throw change.problem;
    return change;
  }

  async #openWorkspace(context: NodeContext): Promise<void> {
    const workspace = await openWorkspace(context.root, this.#budget);
    this.#workspace = workspace;
    const form = preferredForm(this.#columns, sum(this.decision.versions.map((v) => v.rows ?? Number.POSITIVE_INFINITY)));
    if (form === csvForm || (await workspace.loadExtension(this.#budget.extensionFolder))) this.#form = form;
    context.log(
      'debug',
      `rows travel as ${this.#form.name}${this.#form === form ? '' : ": DuckDB's postgres extension is not on this machine"}`,
    );
  }

  #open(): LoadWorkspace {
    if (this.#workspace === undefined) throw new Error('the workspace of the load was not opened');
    return this.#workspace;
  }

  /** Versions in order; one that holds several extracts is taken extract by extract, the first as a whole and the others merged into it. */
  async #plan(): Promise<readonly Step[]> {
    const steps: Step[] = [];
    const { state, versions, action } = this.decision;
    for (const [index, version] of versions.entries()) {
      const source = { lake: this.#lake, folder: state.folder, files: version.files, columns: this.#columns, form: this.#form };
      const whole = index === 0 && action === 'replace';
      if (!version.severalVersions || version.files.length === 0) steps.push({ version, source, whole });
      else
        for (const [place, extract] of (await extractsIn(this.#open().duck, this.#lake, state.folder, version.files)).entries())
          steps.push({ version, source: { ...source, ...extract }, whole: whole && place === 0 });
    }
    return steps;
  }

  async #step(step: Step, tell: (rows: number, bytes: number) => void): Promise<{ readonly counts: LoadCounts; readonly bytes: number }> {
    if (step.source.files.length === 0) return { counts: noCounts, bytes: 0 };
    const { client, options } = this.#session;
    const parts = this.#first ?? readAhead(partsOf(this.#open().duck, step.source, this.#open().folder));
    this.#first = undefined;
    const shape: MergeShape = { into: options.into, columns: this.#columns.map((c) => c.name), key: this.#key };
    let rows = 0;
    let bytes = 0;
    try {
      if (!step.whole)
        await effect('sink.arrivals', async () => {
          await client.query(`DROP TABLE IF EXISTS ${arrivals}`);
          await client.query(arrivalsStatement(shape));
        });
      const sql = copySql(step.whole ? quoteRelation(options.into) : arrivals, this.#columns, this.#form, step.whole);
      for (let part = await parts.next(); part !== undefined; part = await parts.next()) {
        const taken = part;
        await effect('sink.copy', () => copyPart(client, sql, taken, options.into));
        rows += part.rows;
        bytes += part.bytes;
        tell(rows, bytes);
      }
    } finally {
      await parts.close();
    }
    if (step.whole) return { counts: { rows, inserted: rows, updated: 0, unchanged: 0 }, bytes };
    if (rows === 0) return { counts: noCounts, bytes };
    return { counts: await effect('sink.merge', () => mergeArrivals(client, options, shape, this.#staging?.oid ?? '0', rows)), bytes };
  }

  async #record(context: NodeContext, version: VersionToLoad, counts: LoadCounts): Promise<void> {
    const { client, options } = this.#session;
    const { state } = this.decision;
    if (version.rows !== undefined && version.rows !== counts.rows)
      throw new EngineError(
        'failed',
        'load.rows-differ',
        `version ${version.version} of lake table ${state.folder} says ${version.rows} rows, its files hold ${counts.rows}`,
        {
          hint: 'A file of the lake was damaged or replaced. Run a full pipeline of this table.',
        },
      );
    const row: LedgerRow = {
      lake: this.#lake.uri,
      lakeTableId: state.metadata?.id ?? '',
      version: version.version,
      run: context.runId,
      mode: version.kind,
      ...counts,
      fence: version.commit?.fence ?? null,
      extractedAt: version.commit?.extractedAt ?? null,
    };
    if (this.#wrote.length === 0 && this.decision.action === 'replace')
      await forgetFrom(client, options.into, row.lakeTableId, row.version);
    await effect('sink.ledger', () => writeLedger(client, options.into, row));
    this.#wrote.push(row);
  }

  async commit(): Promise<{ readonly [key: string]: Json }> {
    try {
      return await this.#commit().catch((error: unknown) => explainLoss(this.#lease, error));
    } finally {
      await this.#close();
    }
  }

  async #commit(): Promise<{ readonly [key: string]: Json }> {
    const { client, options } = this.#session;
    const last = this.#wrote.at(-1);
    if (last === undefined) {
      await client.query('ROLLBACK');
      await this.#release();
      return {};
    }
    await proveNewest(client, options.into, this.#attempt).catch((error: unknown) => {
      throw loadError(error, options);
    });
    const learnt = await effect('sink.commit', () => commitLoad(this.#opener, this.#session, last));
    if (this.decision.action === 'replace' && learnt === 'answered') {
      const statistics = gatherStatistics(this.#session);
      if (this.#later === undefined) await statistics;
      else this.#later(statistics);
    }
    await this.#release();
    return { committed: this.#wrote.map((r) => r.version) };
  }

  /** After a failure the lease stays with the run, so that a later attempt of one that was taken over meanwhile finds it lost. */
  async #release(): Promise<void> {
    await this.#lease?.release().catch((error: unknown) => this.#opener.log('warn', `giving the lease back: ${String(error)}`));
  }

  async rollback(): Promise<void> {
    await this.#close();
  }

  /** Ending the session ends its transaction; what a node that was left behind still does ends with it. */
  async #close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const told = (error: unknown): void => this.#opener.log('debug', `ending the load: ${String(error)}`);
    this.#workspace?.duck.interrupt();
    await this.#session.client.end().catch(told);
    await this.#work;
    await this.#first?.close().catch(told);
    await this.#workspace?.close().catch(told);
  }
}

/** Enough to turn Parquet into what COPY reads, whatever an extract may use. */
const smallBudget: NonNullable<PostgresSink['duckdb']> = { memoryBytes: 192 * 1024 * 1024, threads: 2 };

const nothing = (): void => undefined;

const noCounts: LoadCounts = { rows: 0, inserted: 0, updated: 0, unchanged: 0 };

function add(a: LoadCounts, b: LoadCounts): LoadCounts {
  return { rows: a.rows + b.rows, inserted: a.inserted + b.inserted, updated: a.updated + b.updated, unchanged: a.unchanged + b.unchanged };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
