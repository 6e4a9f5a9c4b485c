import type { Clock } from '../base/clock.ts';

/** Whether the scheduler of this daemon is at work, as far as its turns tell. */
export interface Pulse {
  /** A turn went well, as the daemon that leads or as one that follows. */
  turned(leads: boolean): void;
  /** Milliseconds since 1970; undefined before the first. */
  lastTurnMs(): number | undefined;
  /** Its newest turn was one of the leader, and not long ago: a leader whose store is gone decides nothing. */
  leads(): boolean;
}

/** Another daemon leads at the latest after so long without a turn. */
const ledMs = 15_000;

export function createPulse(clock: Clock): Pulse {
  let last: { readonly atMs: number; readonly leads: boolean } | undefined;
  return {
    turned: (leads) => {
      last = { atMs: clock.now(), leads };
    },
    lastTurnMs: () => last?.atMs,
    leads: () => last?.leads === true && clock.now() - last.atMs <= ledMs,
  };
}
