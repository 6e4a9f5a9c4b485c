import { useEffect, useState } from 'preact/hooks';

/** So many lines are more than a screen. */
const first = 40;
const step = 40;

/** How many of so many lines are drawn by now: a screenful at once, the rest while nothing else is to be done, so that a page of hundreds opens as fast as one of ten. */
export function useGrowing(count: number): number {
  const [drawn, draw] = useState(first);
  useEffect(() => {
    if (drawn >= count) return;
    // Not every browser tells when it rests.
    if (typeof window.requestIdleCallback !== 'function') {
      const timer = window.setTimeout(() => draw(drawn + step), 50);
      return () => window.clearTimeout(timer);
    }
    const idle = window.requestIdleCallback(() => draw(drawn + step), { timeout: 1_000 });
    return () => window.cancelIdleCallback(idle);
  }, [drawn, count]);
  return Math.min(drawn, count);
}
