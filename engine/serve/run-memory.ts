import { applyEvent, type Run } from '../run.ts';
import type { ServerParts } from './parts.ts';

const eventsAtOnce = 2_000;
const runsKept = 32;

/** A run as its events tell, and the newest of them. */
export interface RunSoFar {
  readonly run: Run;
  readonly seq: number;
}

/** Runs put together from their events; what was read once is not read again. */
export interface RunMemory {
  /** undefined: there is no such run. */
  read(runId: string): Promise<RunSoFar | undefined>;
}

/** Keeps the runs that were asked for last. */
export function runMemory({ history }: Pick<ServerParts, 'history'>): RunMemory {
  const known = new Map<string, RunSoFar>();
  const reading = new Map<string, Promise<RunSoFar | undefined>>();
  const readOn = async (runId: string): Promise<RunSoFar | undefined> => {
    let so = known.get(runId);
    if (so?.run.endedAt !== undefined) return so;
    for (;;) {
      const events = await history.events({ runId, afterSeq: so?.seq ?? 0, limit: eventsAtOnce });
      for (const event of events) so = { run: applyEvent(so?.run, event), seq: event.seq };
      if (events.length < eventsAtOnce) break;
    }
    known.delete(runId);
    if (so !== undefined) known.set(runId, so);
    for (const [oldest] of known) {
      if (known.size <= runsKept) break;
      known.delete(oldest);
    }
    return so;
  };
  return {
    read(runId) {
      const now = reading.get(runId) ?? readOn(runId).finally(() => reading.delete(runId));
      reading.set(runId, now);
      return now;
    },
  };
}
