import type { RunLink } from './api-run.ts';
import type { Event } from './event.ts';
import type { PipelineHistory, TableHistory } from './history.ts';
import type { EntryState, QueueEntry } from './queue.ts';
import type { Run, RunRecord, RunState } from './run.ts';

/** Bodies of the HTTP API's answers, as `ui/` and other programs get them. Times are ISO 8601 UTC; what is unknown is left out. Base path: `/api/v1`. */

/** Who leads, and who answers. */
export interface Leadership {
  /** Undefined: no daemon leads, nothing fires. */
  readonly leader: { readonly host: string; readonly pid: number; readonly since: string } | undefined;
  /** The daemon that gave this answer. */
  readonly self: { readonly host: string; readonly pid: number; readonly since: string; readonly leads: boolean };
}

/** One pipeline: what is declared, and what became of it lately. */
export interface PipelineView {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly tables: readonly string[];
  readonly tags: readonly string[];
  readonly schedules: readonly ScheduleView[];
  /** The earliest of all its schedules; undefined while paused or without a schedule. */
  readonly next: string | undefined;
  readonly paused: { readonly by: string; readonly at?: string } | undefined;
  /** At work now. */
  readonly live: RunRecord | undefined;
  readonly history: Omit<PipelineHistory, 'pipeline'>;
}

export interface ScheduleView {
  readonly cron: string;
  readonly timezone: string;
  /** `every 15 minutes`. */
  readonly words: string;
  /** The next ones, up to ten; `clocksSet` on a day on which clocks are set in that zone. */
  readonly fires: readonly { readonly at: string; readonly clocksSet: boolean }[];
}

export interface TableView extends TableHistory {
  readonly pipelines: readonly string[];
  /** How far staging is behind the source's clock; undefined before the first load. */
  readonly lagMs: number | undefined;
  /** `alerts.freshness`, the strictest of its pipelines. */
  readonly limitMs: number | undefined;
  /** What kept the last fence back. */
  readonly heldBy: string | undefined;
}

/** `GET /pipelines/:pipeline`. */
export interface PipelinePage extends PipelineView {
  readonly waiting: readonly QueueEntry[];
  /** What became of its times lately, the newest first. */
  readonly entries: readonly QueueEntry[];
}

/** `GET /runs?pipeline=&state=&table=&before=&limit=`. `next`: give it as `before`. */
export interface RunsPage {
  readonly runs: readonly RunRecord[];
  readonly next: string | undefined;
}

/** `GET /runs/:run`. `seq`: of the newest event in it; the stream goes on after it. */
export interface RunPage {
  readonly run: Run;
  readonly seq: number;
  /** The name of a token, `local`, or `daemon`; undefined for a time of a schedule, and where no daemon was asked. */
  readonly askedBy: string | undefined;
  /** The run that goes on from this one. */
  readonly retriedBy: string | undefined;
  /** Where this daemon's runs are traced: the id of the run's trace, 32 hex digits. */
  readonly traceId: string | undefined;
  readonly links: readonly RunLink[];
}

/** `GET /runs/:run/events?after=&limit=`. `next`: give it as `after`; undefined when there are no more for now. */
export interface EventsPage {
  readonly events: readonly Event[];
  readonly next: number | undefined;
}

/** `GET /runs/:run/log?node=&attempt=&level=&search=&after=&limit=`; `/runs/:run/log.txt` has the same as text. `next`: give it as `after`. */
export interface LogPage {
  readonly lines: readonly LogLine[];
  readonly next: number | undefined;
}

/** One line of a run's log: a message of a node, or what an event says in words. */
export interface LogLine {
  readonly seq: number;
  readonly at: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly node: string | undefined;
  readonly text: string;
}

/** `POST /pipelines/:pipeline/runs`, `POST /runs/:run/retry`: what is asked for waits in the queue until the leader starts it. */
export interface Queued {
  readonly entry: QueueEntry;
}

/** What somebody may do. */
export const actionNames = [
  'trigger',
  'retry',
  'cancel',
  'pause',
  'resume',
  'dequeue',
  'test-channel',
  'doctor',
  'login',
  'logout',
  'create-token',
  'revoke-token',
  'preview',
] as const;
export type ActionName = (typeof actionNames)[number];

/** One thing that somebody did: `GET /actions`. */
export interface Action {
  readonly id: number;
  readonly at: string;
  /** The name of a token, or `local` for somebody on the daemon's machine. */
  readonly who: string;
  readonly from: string;
  readonly action: ActionName;
  readonly subject: string;
  readonly outcome: string;
  /** What became of the run that was asked for, where one was. */
  readonly asked: AskedRun | undefined;
}

/** A run that somebody asked for: in the queue, begun, or ended without one. */
export interface AskedRun {
  /** Its number in the queue. */
  readonly queued: number;
  readonly state: EntryState | RunState;
  /** Undefined before it begins, and where it never did. */
  readonly runId: string | undefined;
  /** Why there is no run (yet). */
  readonly reason: string | undefined;
}

/** `GET /actions?before=&limit=&who=&action=&pipeline=&refused=`, the newest first. `next`: give it as `before`. */
export interface ActionsPage {
  readonly actions: readonly Action[];
  readonly next: number | undefined;
}

/** `GET /session`, and the answer to `POST /session { token }`, which gives the browser a cookie; `DELETE /session` ends it. */
export interface Session {
  /** The name of the token, or `local`; undefined: a token is needed. */
  readonly who: string | undefined;
  readonly tokenNeeded: boolean;
}

/** Every answer that is not 2xx. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Server-sent events of `GET /stream`: the data of `changed`; whoever gets it asks for the overview again. The id is the stamp. */
export interface Changed {
  readonly stamp: string;
}
