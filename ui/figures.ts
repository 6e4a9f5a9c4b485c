import { countText } from '../engine/base/count.ts';
import type { RunState } from '../engine/run.ts';

export { countText } from '../engine/base/count.ts';
export { bytesText, durationText } from '../engine/reporters/figures.ts';

/** A count that fits in a narrow column: `1,204`, `18.2k`, `1.24M`, `3.1B`; the same count whole is for the hover. */
export function shortCount(count: number): string {
  const size = Math.abs(count);
  if (size < 9_999.5) return countText(count);
  const [value, unit] =
    size < 999_500
      ? [count / 1e3, 'k']
      : size < 999_500_000
        ? [count / 1e6, 'M']
        : size < 999_500_000_000
          ? [count / 1e9, 'B']
          : [count / 1e12, 'T'];
  const digits = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${unit}`;
}

/** What the median of how long runs took is made of: of those that are shown the ones that succeeded. */
export function medianText(runs: readonly { readonly state: RunState }[]): string {
  const succeeded = runs.filter(({ state }) => state === 'succeeded').length;
  return `${countText(succeeded)} of the last ${countText(runs.length, 'run')} succeeded: at least half of those took no longer`;
}

/** A span in its two largest units, as coarse as somebody reads it: `8 s`, `4 m`, `3 h 12 m`, `2 d 4 h`, `12 d`. Never negative. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} m`;
  const days = Math.floor(hours / 24);
  return days >= 7 || hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}
