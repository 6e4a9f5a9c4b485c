import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiFailure, get } from './api.ts';
import { setServerTime } from './clock.ts';
import { noteFailure, onChanged } from './connection.ts';
import { keepSame } from './same.ts';
import { watched } from './watched.ts';

/** What is known of an address of the API: the last answer stays while the next one is waited for. */
export interface Answer<T> {
  readonly data: T | undefined;
  /** Why the newest question has no answer. */
  readonly failure: ApiFailure | undefined;
  refresh(): void;
}

interface Entry {
  data: unknown;
  failure: ApiFailure | undefined;
  askedMs: number;
  /** It is asked for no sooner after it was asked for last. */
  leastMs: number;
  asking: boolean;
  again: boolean;
  timer: number | undefined;
  readonly listeners: Set<() => void>;
}

/** How many questions are on their way. */
export const pending = watched(0);

const leastMs = 1_000;
const kept = 60;
const entries = new Map<string, Entry>();

function entryOf(path: string): Entry {
  const known = entries.get(path);
  if (known !== undefined) {
    entries.delete(path);
    entries.set(path, known);
    return known;
  }
  const entry: Entry = {
    data: undefined,
    failure: undefined,
    askedMs: 0,
    leastMs,
    asking: false,
    again: false,
    timer: undefined,
    listeners: new Set(),
  };
  entries.set(path, entry);
  for (const [old, { listeners }] of entries) {
    if (entries.size <= kept) break;
    if (listeners.size === 0) entries.delete(old);
  }
  return entry;
}

/** Asks at most once a second, or as seldom as it may be asked for; who asks while a question is on its way is answered by one more. */
function ask(path: string, entry: Entry): void {
  if (entry.asking) {
    entry.again = true;
    return;
  }
  window.clearTimeout(entry.timer);
  entry.timer = undefined;
  const wait = entry.askedMs + entry.leastMs - Date.now();
  if (wait > 0) {
    entry.timer = window.setTimeout(() => {
      entry.timer = undefined;
      if (entry.listeners.size > 0) ask(path, entry);
    }, wait);
    return;
  }
  void answer(path, entry);
}

async function answer(path: string, entry: Entry): Promise<void> {
  entry.asking = true;
  entry.again = false;
  entry.askedMs = Date.now();
  pending.set(pending.get() + 1);
  try {
    const next = await get<unknown>(path);
    takeTime(next);
    entry.data = keepSame(entry.data, next);
    entry.failure = undefined;
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    entry.failure = error;
    noteFailure(error);
  } finally {
    entry.asking = false;
    pending.set(pending.get() - 1);
    for (const listener of [...entry.listeners]) listener();
  }
  if (entry.again && entry.listeners.size > 0) ask(path, entry);
}

/** An answer's own `at` is the daemon's now, unless it is the last known while the store is away. */
function takeTime(next: unknown): void {
  if (typeof next !== 'object' || next === null || 'storeDown' in next) return;
  if ('at' in next && typeof next.at === 'string') setServerTime(next.at);
}

/** The answer of an address, kept up to date while the component is there; asked for no more often than once in `everyMs`. */
export function useAnswer<T>(path: string, everyMs = leastMs): Answer<T> {
  const [, draw] = useState({});
  const known = entries.get(path);
  const [data, failure] = [known?.data as T | undefined, known?.failure];
  useEffect(() => {
    const entry = entryOf(path);
    const listener = (): void => draw({});
    entry.listeners.add(listener);
    // Somebody else's question may have been answered since this was drawn.
    if (entry.data !== data || entry.failure !== failure) draw({});
    entry.leastMs = everyMs;
    ask(path, entry);
    const stop = onChanged(() => ask(path, entry));
    return () => {
      entry.listeners.delete(listener);
      stop();
    };
  }, [path, everyMs]);
  const refresh = useCallback(() => ask(path, entryOf(path)), [path]);
  return { data, failure, refresh };
}
