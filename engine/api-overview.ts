import type { Leadership } from './api.ts';
import type { Problem } from './problem.ts';
import type { QueueEntry } from './queue.ts';
import type { RunBrief } from './run.ts';

/** `GET /overview`: of each pipeline and table what one line shows, so that hundreds of them are a short answer; the whole of one has its own address. */
export interface Overview {
  readonly at: string;
  readonly engine: string;
  readonly daemon: Leadership;
  /** What needs attention, the worst first. */
  readonly problems: readonly Problem[];
  readonly pipelines: readonly PipelineBrief[];
  readonly tables: readonly TableBrief[];
  readonly queue: readonly QueueEntry[];
  /** The state store does not answer: all else is as it was then. */
  readonly storeDown: { readonly since: string; readonly message: string } | undefined;
}

/** A pipeline as a line. */
export interface PipelineBrief {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly tables: readonly string[];
  readonly tags: readonly string[];
  /** `words`: `every 15 minutes`. */
  readonly schedules: readonly { readonly cron: string; readonly timezone: string; readonly words: string }[];
  /** The earliest of all its schedules; undefined while paused or without a schedule. */
  readonly next: string | undefined;
  readonly paused: { readonly by: string; readonly at?: string } | undefined;
  /** At work now. */
  readonly live: RunBrief | undefined;
  /** The last thirty, the newest first. */
  readonly runs: readonly RunBrief[];
  /** Rows that loads brought to staging in the last 24 hours. */
  readonly rowsLoaded: number;
  /** Median of how long those of `runs` that succeeded took. */
  readonly medianMs: number | undefined;
}

/** A table as a line. How far it is behind follows from the moments in it. */
export interface TableBrief {
  readonly table: string;
  readonly pipelines: readonly string[];
  /** As TableHistory has them: everything that the source had committed by then is in the lake, in staging, in analytics. */
  readonly lakeAsOf: string | undefined;
  readonly asOf: string | undefined;
  readonly analyticsAsOf: string | undefined;
  /** `alerts.freshness`, the strictest of its pipelines. */
  readonly limitMs: number | undefined;
  /** What kept the last fence back. */
  readonly heldBy: string | undefined;
  /** The newest load that succeeded. */
  readonly loaded: LoadBrief | undefined;
}

/** A load as a line. */
export interface LoadBrief {
  readonly runId: string;
  readonly node: string;
  readonly at: string | undefined;
  readonly rows: number | undefined;
  readonly lakeVersion: number | undefined;
}
