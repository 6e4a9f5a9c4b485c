import type { Clock } from '../base/clock.ts';
import { effect } from '../base/effect.ts';
import { type Event, type EventBody, redactEvent } from '../event.ts';
import type { Store } from '../store.ts';

/** The one way by which a run's events reach reporter and store, in the order of their `seq`. */
export interface EventSink {
  emit(body: EventBody): void;
  /** Resolves when all events so far are in the store; throws when they cannot be put there. */
  flush(): Promise<void>;
  /** The last flush, tried a few times; says so through `lost` when events could not be kept. Never throws. */
  close(): Promise<void>;
}

export interface EventSinkParts {
  readonly runId: string;
  readonly store: Store;
  readonly clock: Clock;
  /** Shows an event at once. */
  readonly show: (event: Event) => void;
  /** Told once when the store stops taking events, and at the end when some were lost. */
  readonly trouble: (text: string) => void;
}

const batchAfterMs = 200;
const againAfterMs = 2000;
const progressShownEveryMs = 100;
const progressKeptEveryMs = 2000;
const lastTries = 3;

/**
 * Texts are redacted here, before anybody sees them; names of what an event is of are not. The store is written in batches; of a node's progress it gets a sample.
 * When the store fails in the middle of a run, the run goes on: data safety rests on the lake's commits and the ledger alone. Events wait in memory and are tried again.
 */
export function createEventSink(parts: EventSinkParts): EventSink {
  const { clock, store } = parts;
  let seq = 0;
  let waiting: Event[] = [];
  let writing: Promise<void> = Promise.resolve();
  let scheduled = false;
  let troubled = false;
  let closed = false;
  const shownAt = new Map<string, number>();
  const keptAt = new Map<string, number>();

  const tooSoon = (last: Map<string, number>, node: string, now: number, every: number): boolean => {
    const before = last.get(node);
    if (before !== undefined && now - before < every) return true;
    last.set(node, now);
    return false;
  };
  const write = async (): Promise<void> => {
    const batch = [...waiting];
    if (batch.length === 0) return;
    await effect('store.append', () => store.append(batch));
    waiting = waiting.slice(batch.length);
    troubled = false;
  };
  const flush = (): Promise<void> => {
    const result = writing.then(write);
    writing = result.catch(() => undefined);
    return result;
  };
  const schedule = (afterMs: number): void => {
    if (scheduled || closed) return;
    scheduled = true;
    void clock.sleep(afterMs).then(async () => {
      scheduled = false;
      if (closed) return;
      try {
        await flush();
      } catch (error) {
        if (!troubled) parts.trouble(`the state store does not take events; the run goes on without it (${messageOf(error)})`);
        troubled = true;
        schedule(againAfterMs);
      }
    });
  };

  return {
    emit(body) {
      const now = clock.now();
      if (body.type === 'node.progress' && tooSoon(shownAt, body.node, now, progressShownEveryMs)) return;
      seq += 1;
      const event = redactEvent({ seq, at: new Date(now).toISOString(), runId: parts.runId, ...body });
      parts.show(event);
      if (body.type === 'node.progress' && tooSoon(keptAt, body.node, now, progressKeptEveryMs)) return;
      waiting.push(event);
      schedule(batchAfterMs);
    },
    flush,
    async close() {
      closed = true;
      for (let i = 1; ; i += 1) {
        try {
          return await flush();
        } catch (error) {
          if (i < lastTries) continue;
          return parts.trouble(
            `${waiting.length} events of run ${parts.runId} could not be kept (${messageOf(error)}); its data is not affected, its history is incomplete`,
          );
        }
      }
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
