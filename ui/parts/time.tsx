import { useCallback } from 'preact/hooks';
import { readerZone, useTicking } from '../clock.ts';
import { spanText } from '../figures.ts';
import { relativeText, shortTime, wholeTime } from '../times.ts';

interface Props {
  readonly at: string;
  /** `both`: `02:35, in 4 m`; `clock`: `02:35`; `away`: `in 4 m`. */
  readonly show?: 'both' | 'clock' | 'away';
}

/** A moment in the reader's zone; whole, with the zone and in UTC, on hover. */
export function Time({ at, show = 'both' }: Props) {
  const atMs = Date.parse(at);
  const words = useTicking(
    useCallback(
      (now: number) => {
        if (show === 'away') return relativeText(atMs, now);
        const clock = shortTime(atMs, now, readerZone);
        return show === 'clock' ? clock : `${clock}, ${relativeText(atMs, now)}`;
      },
      [atMs, show],
    ),
  );
  return (
    <time dateTime={at} title={wholeTime(atMs, readerZone)}>
      {words}
    </time>
  );
}

/** How long since then, going on. */
export function Since({ at }: { readonly at: string }) {
  const atMs = Date.parse(at);
  const words = useTicking(useCallback((now: number) => spanText(now - atMs), [atMs]));
  return (
    <time dateTime={at} title={wholeTime(atMs, readerZone)}>
      {words}
    </time>
  );
}
