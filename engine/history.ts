import type { JsonObject } from './base/json.ts';
import type { RetentionConfig } from './config.ts';
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
  /**
   * `NodeResult.facts`: of an extract `relation`, `cursor`, `low`, `lastFence`, `fence`, `heldBy`, `heldSince`, `extractedAt`, `version`, `files`, `paths`; of a load `into`, `versions`,
   * `files`, `lakeVersion`, `inserted`, `updated`, `unchanged`, `replaced`, `rowsBefore`, `created`, `columnsAdded`, `because`.
   */
  readonly facts: JsonObject;
}

/** The same without what it had to say, for tables of many nodes in many runs. */
export interface RunNode
  extends Pick<NodeRecord, 'runId' | 'node' | 'type' | 'table' | 'state' | 'startedAt' | 'endedAt' | 'attempts' | 'rows'> {
  /** The run in which it was done, when this one did not do it again. */
  readonly keptFrom: string | undefined;
}

/** A load that succeeded. */
export interface TableLoad extends NodeRecord {
  /** The moment of the snapshot of the newest extract that it brought. */
  readonly readAt: string | undefined;
}

/** What became of a table lately. */
export interface TableHistory {
  readonly table: string;
  /** The newest that succeeded. */
  readonly extract: NodeRecord | undefined;
  readonly load: NodeRecord | undefined;
  /** Everything that the source had committed by then is in the lake: the moment of the snapshot of that extract. */
  readonly lakeAsOf: string | undefined;
  /** The same of staging: the moment of the snapshot of the newest extract that was loaded. */
  readonly asOf: string | undefined;
  /** The same of what dbt makes of it: the moment of the snapshot of the newest extract that was in staging when the newest build that succeeded, of a run with this table, began. */
  readonly analyticsAsOf: string | undefined;
  /** That build: its run, and when it began. */
  readonly built: { readonly runId: string; readonly at: string } | undefined;
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

/** Upper edges in seconds of how runs are counted by how long they took; the last count is of those that took longer. */
export const runSecondsEdges = [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200] as const;

/** What all runs have done since the store was made, those that have been removed since included: every count only rises, and is the same whoever asks. Each run and node is counted once, at its first end. */
export interface Totals {
  readonly runs: readonly RunTotals[];
  readonly nodes: readonly NodeTotals[];
}

/** Runs of one pipeline that ended in one state. */
export interface RunTotals {
  readonly pipeline: string;
  readonly state: RunState;
  readonly runs: number;
  /** How long all of them took. */
  readonly seconds: number;
  /** By `runSecondsEdges`, each run in one of them. */
  readonly bySeconds: readonly number[];
  readonly lastEndedAt: string;
}

/** Nodes of one type of one table in one pipeline. Rows and bytes are of those that succeeded. */
export interface NodeTotals {
  readonly pipeline: string;
  readonly table: string | undefined;
  readonly type: string;
  readonly rows: number;
  readonly bytes: number;
  readonly retries: number;
  readonly failures: number;
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
  /** Only those that go on from this run. */
  readonly retryOf?: string;
  /** Only those with this text in their id, whatever its case. */
  readonly idPart?: string;
  /** The page begins after this run. */
  readonly beforeRunId?: string;
  readonly limit: number;
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
  totals(): Promise<Totals>;
  /** The newest first. */
  tableNodes(table: string, limit: number): Promise<readonly NodeRecord[]>;
  /** Loads of a table that succeeded, the newest first. */
  tableLoads(table: string, limit: number): Promise<readonly TableLoad[]>;
  /** Of all these runs, each in the order in which they began. */
  runNodes(runIds: readonly string[]): Promise<readonly RunNode[]>;
  runs(query: RunPageQuery): Promise<readonly RunRecord[]>;
  events(query: EventQuery): Promise<readonly Event[]>;
  /** How much room everything of this store takes. */
  bytes(): Promise<number>;
  /** Another text whenever a run or a node begins or ends, or the queue, a pause or the leader changes: what an open page asks for, to know whether to ask for more. */
  stamp(): Promise<string>;
  /** Removes at most `limit` ended runs with all that belongs to them, the oldest first; returns how many. The newest run of a pipeline that succeeded stays, too. */
  prune(retention: RetentionConfig, nowMs: number, limit: number): Promise<number>;
}
