const soonestMs = 1_000;
const latestMs = 3_000;

/** How long a page waits before it asks a daemon again that did not answer. Between 1 and 3 s, evenly for `random` from 0 to 1: all open pages lose a daemon at the same moment, and must not come back at one. */
export function againAfterMs(random: number): number {
  return Math.round(soonestMs + random * (latestMs - soonestMs));
}
