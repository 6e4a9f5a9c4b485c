import type { Clock } from '../base/clock.ts';
import { Refusal } from './errors.ts';

const firstMs = 250;
const mostMs = 5_000;
const forgetMs = 600_000;
const mostHeld = 100;
const mostAddresses = 1_000;

/** Makes whoever guesses wait: each failure of an address is answered later than the one before. Who is right never waits. */
export interface SlowDown {
  /** Resolves when the failure may be answered; 429 at once when too many wait for that. */
  failed(address: string): Promise<void>;
}

/** Remembers addresses for ten minutes. */
export function createSlowDown(clock: Clock): SlowDown {
  const failures = new Map<string, { readonly count: number; readonly at: number }>();
  let held = 0;
  return {
    async failed(address) {
      const before = failures.get(address);
      const count = before !== undefined && clock.now() - before.at < forgetMs ? before.count + 1 : 1;
      failures.delete(address);
      failures.set(address, { count, at: clock.now() });
      for (const [oldest] of failures) {
        if (failures.size <= mostAddresses) break;
        failures.delete(oldest);
      }
      if (held >= mostHeld) throw new Refusal(429, 'token.guessed', 'too many wrong tokens were shown', 'Wait for a minute.');
      held += 1;
      await clock.sleep(Math.min(mostMs, firstMs * 2 ** (count - 1)));
      held -= 1;
    },
  };
}
