import type { RunRecord } from './run.ts';

/** Bodies of the answers about times of schedules. Times are ISO 8601 UTC; what is unknown is left out. */

/**
 * What became of a time: the state of its run, or why it has none. `ran`: its run has been removed since. `queued`: it waits for its turn. `missed`: nobody ran for it, and somebody may have to look;
 * `skipped`: left out because the pipeline was paused, or because a run that waited begins after it. `undecided`: it has passed, and no daemon has looked at it yet. `next`: it is to come.
 */
export type FireState =
  | 'succeeded'
  | 'failed'
  | 'running'
  | 'cancelled'
  | 'interrupted'
  | 'ran'
  | 'queued'
  | 'missed'
  | 'skipped'
  | 'undecided'
  | 'next';

/** `GET /schedule?from=2026-11-23&days=7&step=day&zone=Europe/Berlin`: times of schedules, counted by stretches of time. */
export interface SchedulePage {
  readonly at: string;
  readonly zone: string;
  readonly step: 'hour' | 'day';
  /** Where the stretches begin, and where the last one ends. */
  readonly edges: readonly string[];
  /** In which of them the clocks of that zone are set. */
  readonly clocksSet: readonly number[];
  /** Those that have a schedule, in the order of the file. */
  readonly pipelines: readonly ScheduleRow[];
}

export interface ScheduleRow {
  readonly pipeline: string;
  readonly schedules: readonly { readonly cron: string; readonly timezone: string; readonly words: string }[];
  /** Nothing fires: what is to come is left out, unless it is resumed before. */
  readonly paused: { readonly by: string; readonly at?: string } | undefined;
  /** In which stretches the clocks of one of its own zones are set. */
  readonly clocksSet: readonly number[];
  /** Stretches that have times, rising. */
  readonly buckets: readonly FireBucket[];
}

export interface FireBucket {
  /** Of its stretch, from 0. */
  readonly index: number;
  readonly counts: { readonly [state in FireState]?: number };
  /** Among them, those whose run began later than a daemon that is on time begins it, or took longer than `alerts.lateAfter`. */
  readonly late: number;
}

/** `GET /schedule/fires?pipeline=&from=&to=&limit=`: the times one by one, rising. `next`: give it as `from`. */
export interface FiresPage {
  readonly at: string;
  readonly fires: readonly Fire[];
  readonly next: string | undefined;
}

/** One time of a schedule. */
export interface Fire {
  readonly at: string;
  readonly state: FireState;
  /** Why it has no run (yet). */
  readonly reason: string | undefined;
  readonly run: Pick<RunRecord, 'runId' | 'state' | 'startedAt' | 'endedAt'> | undefined;
  /** How long after its time the run began. */
  readonly afterMs: number | undefined;
  /** Why it counts as late. */
  readonly late: string | undefined;
  /** The same moment in each of the pipeline's own zones, with its offset: `2026-03-29T03:00:00+02:00`. */
  readonly local: readonly { readonly timezone: string; readonly at: string; readonly clocksSet: boolean }[];
}
