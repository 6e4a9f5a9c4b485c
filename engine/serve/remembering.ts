import type { Clock } from '../base/clock.ts';

/** What was found, and when somebody began to look: it is no newer than that. */
export interface Remembered<T> {
  readonly at: string;
  readonly value: T;
}

/** Answers that are dear to find: each is found once for all who ask at the same time, at most so many are looked for at once, and what was found is told for a while. */
export interface Remembering<T> {
  /** What it ends with, an error too, is told to everybody who asks meanwhile or within `freshMs` after it; not to those who know of a change since then (`changedMs`, where that is no time to come). */
  get(key: string, find: () => Promise<T>, changedMs?: number): Promise<Remembered<T>>;
  /** What was found last, however long ago; nothing is looked for. */
  peek(key: string): Remembered<T> | undefined;
  /** Something is being looked for. */
  busy(): boolean;
}

interface Entry<T> {
  /** When looking began: undefined while its turn has not come. */
  readonly begun: { ms: number | undefined };
  foundMs: number | undefined;
  answer: Promise<Remembered<T>>;
  last: Remembered<T> | undefined;
}

/** `most`: so many keys are remembered; the one that was asked for longest ago is forgotten first. */
export function createRemembering<T>(
  clock: Clock,
  { freshMs, atOnce, most }: { readonly freshMs: number; readonly atOnce: number; readonly most: number },
): Remembering<T> {
  const entries = new Map<string, Entry<T>>();
  const waiting: (() => void)[] = [];
  let working = 0;

  const inTurn = async (find: () => Promise<T>, begun: { ms: number | undefined }): Promise<Remembered<T>> => {
    if (working >= atOnce) await new Promise<void>((begin) => waiting.push(begin));
    else working += 1;
    try {
      const ms = clock.now();
      begun.ms = ms;
      return { value: await find(), at: new Date(ms).toISOString() };
    } finally {
      const next = waiting.shift();
      // Whoever waits takes the place.
      if (next === undefined) working -= 1;
      else next();
    }
  };

  return {
    get(key, find, changedMs) {
      const known = entries.get(key);
      if (known !== undefined) {
        entries.delete(key);
        entries.set(key, known);
        const agoMs = known.foundMs === undefined ? 0 : clock.now() - known.foundMs;
        const overtaken = changedMs !== undefined && changedMs <= clock.now() && known.begun.ms !== undefined && known.begun.ms < changedMs;
        const fresh = known.foundMs === undefined || (agoMs >= 0 && agoMs < freshMs);
        if (fresh && !overtaken) return known.answer;
      }
      const begun = { ms: undefined };
      const answer = inTurn(find, begun);
      const entry: Entry<T> = { begun, foundMs: undefined, answer, last: known?.last };
      entries.set(key, entry);
      answer.then(
        (found) => {
          entry.foundMs = clock.now();
          entry.last = found;
        },
        () => {
          entry.foundMs = clock.now();
        },
      );
      for (const old of entries.keys()) {
        if (entries.size <= most) break;
        entries.delete(old);
      }
      return answer;
    },
    peek: (key) => entries.get(key)?.last,
    busy: () => working > 0,
  };
}
