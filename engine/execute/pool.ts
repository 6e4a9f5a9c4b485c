/** So many at a time; of those that wait, the one with the lowest rank goes first. */
export interface Pool {
  /** Runs `work` when there is room; rejects with the signal's reason when it is aborted while waiting. */
  run<T>(rank: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** A pool with room for `size` (at least 1). */
export function createPool(size: number): Pool {
  let free = Math.max(1, size);
  const waiting: { readonly rank: number; readonly go: () => void }[] = [];

  const enter = (rank: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      const entry = {
        rank,
        go: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.push(entry);
      waiting.sort((a, b) => a.rank - b.rank);
      next();
    });
  const next = (): void => {
    while (free > 0) {
      const entry = waiting.shift();
      if (entry === undefined) return;
      free -= 1;
      entry.go();
    }
  };

  return {
    async run(rank, signal, work) {
      await enter(rank, signal);
      try {
        return await work();
      } finally {
        free += 1;
        next();
      }
    },
  };
}
