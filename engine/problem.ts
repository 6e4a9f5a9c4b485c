/** What somebody has to look at: something failed, did not happen, or is older than it may be. */
export type ProblemKind =
  /** The newest run of a pipeline failed, or its process died and nothing goes on with it. */
  | 'failed'
  /** A run is at work, or waits in the queue, for longer than `alerts.lateAfter`. */
  | 'late'
  /** A time of a schedule passed without a run, and nothing will make up for it. */
  | 'missed'
  /** A transaction in the source keeps the fence of a table back for longer than its limit. */
  | 'held'
  /** What staging holds of a table is older than its limit. */
  | 'stale'
  /** No daemon leads, although pipelines have schedules. */
  | 'silent';

/** One incident as it is now. Times are ISO 8601 UTC. */
export interface Problem {
  /** The same for as long as it is the same incident, and different for another one: `failed:incremental_users`, `stale:transactions`. */
  readonly key: string;
  readonly kind: ProblemKind;
  readonly severity: 'error' | 'warning';
  readonly pipeline?: string;
  readonly table?: string;
  /** The run that shows it best. */
  readonly runId?: string;
  readonly since: string;
  /** What is wrong and why, one line, without the name of the pipeline or table. */
  readonly text: string;
  /** What to do, one line; names the command. */
  readonly hint: string;
}
