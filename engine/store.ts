import type { Access } from './access.ts';
import type { Lease } from './connector.ts';
import type { Event } from './event.ts';
import type { History } from './history.ts';
import type { Incidents } from './incidents.ts';
import type { Queue } from './queue.ts';
import type { RunRecord, RunState } from './run.ts';

/** Where runs, events and leases are kept. Losing it loses history, never data. Every method may throw EngineError of trouble `outside`. */
export interface Store {
  /** What daemons share; undefined where nothing outlives the process. */
  readonly queue: Queue | undefined;
  /** Answers about many runs; undefined where nothing outlives the process. */
  readonly history: History | undefined;
  /** Tokens, and what was done by the API; undefined where nothing outlives the process. */
  readonly access: Access | undefined;
  /** Incidents and their alarms; undefined where nothing outlives the process. */
  readonly incidents: Incidents | undefined;
  /** Brings the store to this engine's shape; safe when two processes do it at once. A shape newer than the engine: EngineError `store.newer`. */
  migrate(): Promise<void>;
  /** True once `migrate` has been here; changes nothing. */
  exists(): Promise<boolean>;
  /** Appends in order; `run.started` creates the run, and takes what it was queued as (`queue.taken` when another run has). The same (runId, seq) twice is kept once. */
  append(events: readonly Event[]): Promise<void>;
  /** Newest first. */
  runs(query: RunQuery): Promise<readonly RunRecord[]>;
  run(runId: string): Promise<RunRecord | undefined>;
  /** In order, after `afterSeq`. */
  events(runId: string, afterSeq?: number): Promise<readonly Event[]>;
  /** Takes a lease, or throws `lease.held`. Free when never taken, released, or its holder's process is gone or has stood still for 10 s. */
  lease(name: string, holder: LeaseHolder): Promise<Lease>;
  leases(): Promise<readonly LeaseRecord[]>;
  /** Marks live runs whose process is gone, or has stood still for 10 s, as interrupted; returns their ids. */
  sweep(): Promise<readonly string[]>;
  /** Asks a live run to stop; false when there is no such live run. */
  requestCancel(runId: string, by: string): Promise<boolean>;
  /** Who asked that run to stop; undefined while nobody has. */
  cancelRequestedBy(runId: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface RunQuery {
  readonly pipeline?: string;
  readonly states?: readonly RunState[];
  readonly limit?: number;
}

export interface LeaseHolder {
  readonly runId: string;
  readonly host: string;
  readonly pid: number;
}

export interface LeaseRecord extends LeaseHolder {
  readonly name: string;
  readonly token: number;
  readonly since: string;
}
