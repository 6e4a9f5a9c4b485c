import type { Clock } from '../base/clock.ts';
import type { Event, LogLevel } from '../event.ts';
import type { QueueEntry } from '../queue.ts';
import { painter } from '../reporters/color.ts';
import { eventLines } from '../reporters/event-view.ts';

/** Follows runs that the daemon has started, by what they write to the store, and tells of each event once, in order. */
export interface RunEvents {
  /** From now until its process has ended and all is told. */
  follow(entry: QueueEntry, ended: Promise<unknown>): void;
  /** Tells what there is to tell by now and follows none any more, a process that does not end among them. Never throws. */
  end(): Promise<void>;
}

export interface RunEventsParts {
  readonly clock: Clock;
  /** The run of an entry, once it has one. */
  runOf(queued: number): Promise<string | undefined>;
  /** At most `limit` events after `afterSeq`, in order. */
  events(runId: string, afterSeq: number, limit: number): Promise<readonly Event[]>;
  tell(event: Event, entry: QueueEntry): void;
  /** One line on what is left out, and why. */
  trouble(text: string, entry: QueueEntry, runId: string | undefined): void;
  /** True while what was told before still waits to be written: nothing is read then, so that a reader that stands still costs no memory. */
  isBehind(): boolean;
}

const lookEveryMs = 1_000;
const atOnce = 500;

interface Followed {
  readonly entry: QueueEntry;
  runId: string | undefined;
  seq: number;
  over: boolean;
}

/** One look after the other over all runs, a second apart: at most one statement of it is at work in the store at any time. */
export function followRunEvents(parts: RunEventsParts): RunEvents {
  const followed = new Set<Followed>();
  let working: Promise<void> | undefined;
  let wake = new AbortController();

  const look = async (run: Followed): Promise<void> => {
    // Looked at before reading: what a process wrote before its end is in the store when it ends.
    const last = run.over;
    try {
      run.runId ??= await parts.runOf(run.entry.id);
      while (run.runId !== undefined && !parts.isBehind()) {
        const events = await parts.events(run.runId, run.seq, atOnce);
        for (const event of events) parts.tell(event, run.entry);
        run.seq = events.at(-1)?.seq ?? run.seq;
        if (events.length < atOnce) break;
      }
      if (last && parts.isBehind())
        parts.trouble('its last events are left out here: what reads this log is too slow', run.entry, run.runId);
    } catch (error) {
      if (last) parts.trouble(`its last events are left out here: ${(error as Error).message}`, run.entry, run.runId);
    }
    if (last) followed.delete(run);
  };
  const work = async (): Promise<void> => {
    while (followed.size > 0) {
      for (const run of [...followed]) await look(run);
      if ([...followed].some((run) => run.over)) continue;
      wake = new AbortController();
      if (followed.size > 0) await parts.clock.sleep(lookEveryMs, wake.signal).catch(() => undefined);
    }
    working = undefined;
  };
  return {
    follow(entry, ended) {
      const run: Followed = { entry, runId: undefined, seq: 0, over: false };
      followed.add(run);
      void ended.finally(() => {
        run.over = true;
        wake.abort();
      });
      working ??= work();
    },
    async end() {
      for (const run of followed) run.over = true;
      wake.abort();
      await working;
    },
  };
}

/** How much an event matters, for a log. */
export function levelOf(event: Event): LogLevel {
  switch (event.type) {
    case 'log':
      return event.level;
    case 'node.progress':
      return 'debug';
    case 'node.retrying':
    case 'node.skipped':
    case 'node.cancelled':
    case 'run.cancelled':
      return 'warn';
    case 'node.failed':
    case 'run.failed':
    case 'run.interrupted':
      return 'error';
    case 'dbt.result':
      return ['error', 'fail', 'partial success'].includes(event.result.status)
        ? 'error'
        : event.result.status === 'warn'
          ? 'warn'
          : 'info';
    default:
      return 'info';
  }
}

/** An event in words, on one line. */
export function eventText(event: Event): string {
  const lines = eventLines(event, painter(false, {}));
  return lines.length === 0 ? (event.type === 'log' ? event.text : event.type) : lines.map((line) => line.trim()).join('; ');
}
