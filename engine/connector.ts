import type { Client } from 'pg';
import type { Lake } from '../lake/lake.ts';
import type { Clock } from './base/clock.ts';
import type { Json, JsonObject } from './base/json.ts';
import type { Relation, TableConfig } from './config.ts';
import type { LogLevel, NodeResult, Progress } from './event.ts';
import type { NodePlan } from './plan.ts';

/** One kind of system: opens links to it and brings the node types that run on it. The export `connector` of `connectors/<type>/index.ts`. */
export interface Connector {
  readonly type: string;
  /** Opens a link; cheap until a role is used: an unreachable server shows up on first use as an `EngineError` of trouble `outside`. */
  open(name: string, settings: JsonObject, scope: ConnectionScope): Connection;
  readonly nodes: readonly NodeType[];
  /** Fetches ahead what its nodes fetch on first use, once for all. `settings` are those of its configured links; undefined: there is no project, and what the defaults need is meant. Quick when it is there. */
  prepare?(settings: readonly JsonObject[] | undefined, scope: PrepareScope): Promise<readonly Prepared[]>;
}

export interface PrepareScope {
  readonly signal: AbortSignal;
  log(level: LogLevel, text: string): void;
}

/** Something that lies ready: `what` for a person, `path` absolute (or a program's name). */
export interface Prepared {
  readonly what: string;
  readonly path: string;
}

/** What a link may use while it is open: one command or one run. */
export interface ConnectionScope {
  /** Absolute path of the project. */
  readonly root: string;
  readonly clock: Clock;
  /** The engine's version, for `application_name` and commit entries. */
  readonly engine: string;
  log(level: LogLevel, text: string): void;
}

/** An open link with the roles that it has. A role that a kind of system lacks is absent. */
export interface Connection {
  readonly name: string;
  readonly type: string;
  readonly source?: Source;
  readonly lake?: Lake;
  readonly sink?: Sink;
  readonly database?: Database;
  readonly project?: Project;
  /** Looks at what `engine doctor` should tell, with read rights; what is wrong is in the answer, not thrown. */
  checkup?(request: CheckupRequest): Promise<readonly Checkup[]>;
  /** What the catalog has of relations now: estimates only, no row is read and no lock is waited for. Takes a few seconds at the most. A server that the engine runs itself is not started for it: EngineError `embedded.not-running`. */
  look?(request: LookRequest): Promise<readonly Looked[]>;
  /** Some of the newest rows of a relation, their values as text. Takes a few seconds at the most; starts no server either. */
  preview?(request: PreviewRequest): Promise<Preview>;
  /** Ends whatever is open, and an embedded server that nobody else uses. Never throws; safe to call twice. */
  close(): Promise<void>;
}

export interface LookRequest {
  readonly relations: readonly Relation[];
  readonly signal: AbortSignal;
}

/** A relation as the catalog has it now; one that is not there has no answer. */
export interface Looked {
  readonly relation: Relation;
  readonly kind: CatalogTable['kind'];
  readonly columns: CatalogTable['columns'];
  /** An estimate; undefined where nobody has counted yet, and for views. */
  readonly rows: number | undefined;
  /** Of the table and what is stored beside it, without indexes, when it was counted last; undefined for views. */
  readonly bytes: number | undefined;
}

export interface PreviewRequest {
  readonly relation: Relation;
  /** True for a column whose values must not be read. */
  isHidden(column: string): boolean;
  /** The column that says which rows are the newest, where there is one. */
  readonly newestBy: string | undefined;
  readonly rows: number;
  readonly signal: AbortSignal;
}

/** Rows, the newest first. */
export interface Preview {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly hidden: boolean }[];
  /** In the order of `columns`; null: NULL, and the value of a hidden column. */
  readonly rows: readonly (readonly (PreviewValue | null)[])[];
  /** `newest`: by `newestBy`, of all rows; `written`: of those in the last blocks of a table that is too large to sort. */
  readonly order: 'newest' | 'written';
}

/** A value as text; `cut`: there is more of it. */
export interface PreviewValue {
  readonly text: string;
  readonly cut: boolean;
}

/** What a link is looked at for. */
export interface CheckupRequest {
  readonly as: 'source' | 'sink' | 'lake' | 'dbt';
  /** The tables that pipelines take through it; `incremental`: some pipeline goes by their cursor. */
  readonly tables: readonly { readonly table: TableConfig; readonly incremental: boolean }[];
  readonly signal: AbortSignal;
}

/** One thing that was looked at. `warn`: it works, and will hurt. `fail`: it cannot be reached, or lacks a right that a run needs. */
export interface Checkup {
  /** `server`, `rights`, or the name of a table. */
  readonly subject: string;
  readonly outcome: 'ok' | 'warn' | 'fail';
  /** One line. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export interface Roles {
  readonly source: Source;
  readonly lake: Lake;
  readonly sink: Sink;
  readonly database: Database;
  readonly project: Project;
}

/** A dbt project and the program that builds it. */
export interface Project {
  /** Absolute path. */
  readonly folder: string;
  /** The dbt executable of people who have their own; undefined: the engine's own environment. */
  readonly command: string | undefined;
}

/** Something to extract from. Nodes of the same connector narrow it to their own class; others see this much. */
export interface Source {
  /** What `tables: ["public.*"]` can name: tables, partitioned parents, views and foreign tables; no partitions, no system schemas. Sorted by schema and name. */
  catalog(): Promise<readonly CatalogTable[]>;
}

export interface CatalogTable {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign table';
  readonly primaryKey: readonly string[];
  readonly columns: readonly { readonly name: string; readonly type: string; readonly notNull: boolean }[];
  /** Planner's estimate; undefined before the first ANALYZE. */
  readonly rowsEstimate: number | undefined;
}

/** Something to load into. Nodes of the same connector narrow it to their own class. */
export interface Sink {
  readonly schema: string;
}

/** A Postgres database that others (state store, dbt, psql) may connect to by themselves. */
export interface Database {
  /** Starts an embedded server when it is one. */
  parameters(): Promise<DatabaseParameters>;
  /** A new session with the engine's session settings (`search_path` is empty); `label` goes into `application_name`. The caller ends it. */
  connect(label: string): Promise<Client>;
  /** Only of a server that the engine runs itself. */
  readonly embedded?: EmbeddedServer;
}

/** A server that the engine runs itself, shared by the commands that use it and stopped by the last one. */
export interface EmbeddedServer {
  /** Absolute path of its files. */
  readonly folder: string;
  /** Starts it, and lets it run on when nobody uses it, until `stop` or the next boot. */
  keep(): Promise<void>;
  /** Whether it is there; starts nothing. */
  isRunning(): Promise<boolean>;
  /** Takes back `keep`; stops it unless another live process uses it. */
  stop(): Promise<'stopped' | 'in use' | 'not running'>;
}

/** All that any driver needs, spelled out: no second reading of a URL anywhere. The password is a secret. */
export interface DatabaseParameters {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslmode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** Absolute path of a CA file, or `system`. */
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  readonly connectTimeoutMs: number;
}

/** One kind of work. Safe to run again after it failed half way. */
export interface NodeType {
  /** `system.verb`. */
  readonly type: string;
  /** Reads what a plan needs to know of the world. Changes nothing, needs read rights only; a fact that cannot be had is said in the facts, not thrown, unless nothing can be planned. */
  survey(context: SurveyContext, options: JsonObject): Promise<JsonObject>;
  /** What a run would do, from options and surveyed facts. Pure. */
  describe(options: JsonObject, facts: JsonObject, earlier: ReadonlyMap<string, NodePlan>): NodePlan;
  run(context: NodeContext, options: JsonObject): Promise<NodeResult>;
}

export interface SurveyContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  connection<R extends keyof Roles>(name: string, role: R): Roles[R];
}

/** All that a node is given. */
export interface NodeContext extends SurveyContext {
  readonly runId: string;
  readonly nodeId: string;
  /** From 1. */
  readonly attempt: number;
  /** What this node left behind in the run that this one goes on from, when it did not succeed there. */
  readonly history: { readonly runId: string; readonly facts: { readonly [key: string]: Json } } | undefined;
  readonly root: string;
  progress(progress: Progress): void;
  log(level: LogLevel, text: string, fields?: JsonObject): void;
  dbtResult(result: import('./event.ts').DbtResult): void;
  /** A lease that the run holds until it ends, or until released. Held by another live run: EngineError `lease.held`, trouble `refused`, naming the run, host, pid and since when. */
  lease(name: string): Promise<Lease>;
  readonly unit: Unit;
}

export interface Lease {
  readonly name: string;
  /** Names the store that counts the tokens; those of another one mean nothing beside it. */
  readonly scope: string;
  /** Rises with every new holder of that name, within the scope. */
  readonly token: number;
  /** Throws EngineError `lease.lost` (trouble `refused`) when somebody else has taken it since. */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** What nodes of one unit share: a transaction that the executor ends after the last of them. */
export interface Unit {
  /** The unit's resource of that name; the first to ask opens it. The executor calls `commit` after the unit's last node, or `rollback` when one failed; then the unit is over. */
  join<T extends UnitResource>(name: string, open: () => Promise<T>): Promise<T>;
}

export interface UnitResource {
  /** What is known only at the end is returned, and added to the last node's result. */
  commit(): Promise<{ readonly [key: string]: Json }>;
  /** Never throws. */
  rollback(): Promise<void>;
}
