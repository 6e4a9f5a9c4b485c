import type { Clock } from '../base/clock.ts';

/** Asks again and again for as long as somebody is there. */
export interface Poller {
  /** Asks from now on. Until the returned function is called. */
  join(): () => void;
  /** Asks at once. */
  hurry(): void;
}

/** `ask` says whether there is more to come; one that fails is asked again later. Never throws. */
export function createPoller(clock: Clock, everyMs: number, ask: () => Promise<boolean>): Poller {
  let there = 0;
  let asking = false;
  let wake = new AbortController();
  const loop = async (): Promise<void> => {
    asking = true;
    for (let more = true; more && there > 0; ) {
      more = await ask().catch(() => true);
      if (more && there > 0) await clock.sleep(everyMs, wake.signal).catch(() => undefined);
      if (wake.signal.aborted) wake = new AbortController();
    }
    asking = false;
  };
  return {
    join() {
      there += 1;
      if (!asking) void loop();
      let left = false;
      return () => {
        if (left) return;
        left = true;
        there -= 1;
        if (there === 0) wake.abort();
      };
    },
    hurry: () => wake.abort(),
  };
}
