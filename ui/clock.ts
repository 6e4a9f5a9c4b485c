import { useEffect, useState } from 'preact/hooks';

/** How far the daemon's clock is ahead of this browser's: what is shown is measured by the daemon's. */
let aheadMs = 0;

/** Takes the time that an answer was given at. */
export function setServerTime(at: string): void {
  const told = Date.parse(at);
  if (!Number.isNaN(told)) aheadMs = told - Date.now();
}

/** Now, by the daemon's clock. */
export function nowMs(): number {
  return Date.now() + aheadMs;
}

/** The reader's time zone. */
export const readerZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const listeners = new Set<() => void>();
let timer: number | undefined;

function follow(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    if (!document.hidden) for (const each of [...listeners]) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== undefined) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

/** What `make` says now; looked at each second, drawn again only when it says something else. */
export function useTicking<T extends string | number>(make: (now: number) => T): T {
  const [, draw] = useState<T>(() => make(nowMs()));
  useEffect(() => follow(() => draw(make(nowMs()))), [make]);
  return make(nowMs());
}
