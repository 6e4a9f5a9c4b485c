import type { Clock } from '../../engine/base/clock.ts';

/** A clock that stands still until the test moves it. */
export interface TestClock extends Clock {
  /** Moves the time and wakes the sleepers whose time has come, the earliest first. */
  advance(ms: number): Promise<void>;
  /** Resolves once somebody sleeps for just so long. */
  sleeping(ms: number): Promise<void>;
}

/** Begins at that time: milliseconds since 1970, default 2026-01-31T09:00:00Z. */
export function createTestClock(startMs = Date.UTC(2026, 0, 31, 9)): TestClock {
  let now = startMs;
  const sleepers = new Set<{ readonly until: number; readonly ms: number; readonly wake: () => void }>();
  const watchers = new Set<() => void>();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          sleepers.delete(entry);
          reject(signal?.reason);
        };
        const entry = {
          until: now + ms,
          ms,
          wake: () => {
            sleepers.delete(entry);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(entry);
        for (const watcher of watchers) watcher();
      }),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...sleepers].filter((s) => s.until <= end).sort((a, b) => a.until - b.until)[0];
        if (due === undefined) break;
        now = due.until;
        due.wake();
        await turn();
      }
      now = end;
      await turn();
    },
    sleeping: (ms) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (![...sleepers].some((s) => s.ms === ms)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
  };
}
