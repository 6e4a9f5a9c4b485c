import type { JsonObject } from './base/json.ts';
import type { Event } from './event.ts';
import type { NodeState, RunRecord, RunState } from './run.ts';

/** What became of one node of one run so far. Times are ISO 8601 UTC. */
export interface NodeRecord {
  readonly runId: string;
  readonly pipeline: string;
  readonly node: string;
  readonly type: string;
  readonly table: string | undefined;
  readonly state: NodeState;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
  /** 0 before the first. */
  readonly attempts: number;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  /** The node's own line about what it did. */
  readonly summary: string | undefined;
  /** `NodeResult.facts`: of an extract `fence`, `version`, `heldBy`, `extractedAt`; of a load `lakeVersion`, `inserted`, `updated`, `unchanged`. */
  readonly facts: JsonObject;
}

/** What became of a table lately. */
export interface TableHistory {
  readonly table: string;
  /** The newest that succeeded. */
  readonly extract: NodeRecord | undefined;
  readonly load: NodeRecord | undefined;
  /** Everything that the source had committed by then is in staging: the fence of the newest extract that was loaded. */
  readonly asOf: string | undefined;
}

/** A pipeline at a glance. */
export interface PipelineHistory {
  readonly pipeline: string;
  /** The newest first. */
  readonly runs: readonly RunRecord[];
  /** Rows that loads brought to staging since then. */
  readonly rowsLoaded: number;
  /** Median of how long the shown runs that succeeded took. */
  readonly medianMs: number | undefined;
}

/** Some events of one run, in order. */
export interface EventQuery {
  readonly runId: string;
  readonly afterSeq?: number;
  readonly types?: readonly Event['type'][];
  readonly limit: number;
}

/** A page of runs, newest first. */
export interface RunPageQuery {
  readonly pipeline?: string;
  readonly states?: readonly RunState[];
  readonly table?: string;
  /** The page begins after this run. */
  readonly beforeRunId?: string;
  readonly limit: number;
}

/** What is kept of runs: everything younger than `olderThan`, and of each pipeline the newest `keepRuns` whatever their age. */
export interface Retention {
  readonly olderThanMs: number;
  readonly keepRuns: number;
}

/**
 * Answers about many runs at once, from what a store keeps beside the events; none of it reads the events of more than one run. Every method may throw EngineError of
 * trouble `outside`.
 */
export interface History {
  /** Of each of these pipelines; `runs` at most so many, `since` for `rowsLoaded`. */
  pipelines(
    names: readonly string[],
    options: { readonly runs: number; readonly sinceMs: number },
  ): Promise<ReadonlyMap<string, PipelineHistory>>;
  tables(names: readonly string[]): Promise<ReadonlyMap<string, TableHistory>>;
  /** The newest first. */
  tableNodes(table: string, limit: number): Promise<readonly NodeRecord[]>;
  runs(query: RunPageQuery): Promise<readonly RunRecord[]>;
  events(query: EventQuery): Promise<readonly Event[]>;
  /** Another text whenever a run or a node begins or ends, or the queue, a pause or the leader changes: what an open page asks for, to know whether to ask for more. */
  stamp(): Promise<string>;
  /** Removes at most `limit` ended runs with all that belongs to them; returns how many it removed. */
  prune(retention: Retention, nowMs: number, limit: number): Promise<number>;
}
