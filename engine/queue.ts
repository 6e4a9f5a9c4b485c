import type { JsonObject } from './base/json.ts';
import type { Lease } from './connector.ts';
import type { RunRecord, RunState } from './run.ts';

/** `fire`: a time of a schedule; `resume`: going on with a run whose process died or was stopped by the daemon; `trigger`: somebody asked. */
export type EntryKind = 'fire' | 'resume' | 'trigger';
/** `started` has a run; the other three ends have a reason and no run. */
export type EntryState = 'queued' | 'started' | 'skipped' | 'failed' | 'cancelled';

/** One run that is to be, or what became of it. Times are ISO 8601 UTC. */
export interface QueueEntry {
  readonly id: number;
  readonly pipeline: string;
  readonly kind: EntryKind;
  /** Of a fire. */
  readonly scheduledAt: string | undefined;
  /** The run that is gone on with. */
  readonly retryOf: string | undefined;
  /** What a run is asked for beside its pipeline: tables, full refresh. */
  readonly request: JsonObject;
  readonly askedBy: string;
  readonly state: EntryState;
  /** Why there is no run (yet). */
  readonly reason: string | undefined;
  readonly runId: string | undefined;
  readonly notedAt: string;
}

/** Up to when a pipeline's schedules were decided about, and what they were. */
export interface ScheduleMark {
  readonly schedules: JsonObject;
  readonly seenUntilMs: number;
}

/** What is decided about one pipeline at one moment; kept whole or not at all. */
export interface Decision {
  readonly pipeline: string;
  readonly mark: ScheduleMark;
  readonly fires: readonly { readonly scheduledAtMs: number; readonly state: 'queued' | 'skipped'; readonly reason?: string }[];
}

/** A run somebody asked for. */
export interface Asked {
  readonly pipeline: string;
  readonly kind: 'resume' | 'trigger';
  readonly retryOf?: string;
  readonly request: JsonObject;
  readonly askedBy: string;
}

/** Which times are counted, and how. */
export interface FireCountQuery {
  readonly pipelines: readonly { readonly name: string; readonly lateAfterMs: number | undefined }[];
  /** Where stretches begin, and where the last one ends; rising, in ms since 1970. */
  readonly edges: readonly number[];
  readonly nowMs: number;
  /** A run that begins so long after its time is on time. */
  readonly onTimeMs: number;
  /** What the reason of a time begins with that was left out and is not missed. */
  readonly needsNobody: readonly string[];
}

/** Times of one pipeline in one stretch (from 0) that came to the same. */
export interface FireCount {
  readonly pipeline: string;
  readonly index: number;
  readonly state: EntryState;
  /** Of their runs; undefined where there is none, or none any more. */
  readonly run: RunState | undefined;
  readonly missed: boolean;
  readonly late: boolean;
  readonly count: number;
}

/** What an entry came to, with its run as long as that is kept. */
export interface EntryRecord {
  readonly entry: QueueEntry;
  readonly run: RunRecord | undefined;
}

/**
 * What daemons share, in the state store. One daemon leads; what only the leader may do takes its lease and is refused (`lease.lost`) in the same transaction once another
 * one leads. Every method may throw EngineError of trouble `outside`.
 */
export interface Queue {
  marks(): Promise<ReadonlyMap<string, ScheduleMark>>;
  /** A time that has been decided about before stays as it was. Returns the new entries. */
  decide(leader: Lease, decision: Decision): Promise<readonly QueueEntry[]>;
  /** Notes that none of these pipelines had a time up to then. A mark never goes back by it. */
  seen(leader: Lease, pipelines: readonly string[], untilMs: number): Promise<void>;
  /** Adds a run to be started, unless a run that somebody begins goes on from the same one before; for a run that is gone on with already, that entry. */
  add(asked: Asked): Promise<QueueEntry>;
  /** Runs that a daemon began, whose process died since then, and that nothing goes on with: no entry, and no run that somebody began by hand. The oldest first. */
  abandoned(sinceMs: number): Promise<readonly RunRecord[]>;
  /** Those without a run, oldest first. */
  waiting(): Promise<readonly QueueEntry[]>;
  entry(id: number): Promise<QueueEntry | undefined>;
  /** The newest first. */
  entries(query: { readonly pipeline?: string; readonly limit: number }): Promise<readonly QueueEntry[]>;
  /** Those that became one of these runs or go on with one, and of each of these pipelines the few newest that were left out or could not begin; the newest first. */
  concerning(pipelines: readonly string[], runIds: readonly string[]): Promise<readonly QueueEntry[]>;
  /** What times of schedules came to, counted. */
  fireCounts(query: FireCountQuery): Promise<readonly FireCount[]>;
  /** One by one, from the one moment on and before the other, rising. */
  fires(query: {
    readonly pipeline: string;
    readonly fromMs: number;
    readonly untilMs: number;
    readonly limit: number;
  }): Promise<readonly EntryRecord[]>;
  /** What became of these entries, in no order; without those that are gone. */
  records(ids: readonly number[]): Promise<readonly EntryRecord[]>;
  /** Times from that moment on that were left out for a reason with this text in it, at most `limit` of each pipeline. */
  leftOutSaying(query: {
    readonly pipelines: readonly string[];
    readonly text: string;
    readonly fromMs: number;
    readonly limit: number;
  }): Promise<readonly QueueEntry[]>;
  /** Ends an entry that has no run; false when it has one by now, or has ended. */
  end(id: number, state: 'skipped' | 'failed' | 'cancelled', reason: string): Promise<boolean>;
  /** Says why an entry waits. */
  explain(id: number, reason: string): Promise<void>;
  pause(pipeline: string, by: string): Promise<void>;
  unpause(pipeline: string): Promise<void>;
  /** Paused pipelines, with who did it and when. */
  pauses(): Promise<ReadonlyMap<string, { readonly by: string; readonly at: string }>>;
}
