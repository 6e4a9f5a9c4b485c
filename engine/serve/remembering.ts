import type { Clock } from '../base/clock.ts';

/** What was found, and when somebody began to look: it is no newer than that. */
export interface Remembered<T> {
  readonly at: string;
  readonly value: T;
}

/** How long is waited for an answer, and what is said when there is none. */
export interface Patience {
  readonly ms: number;
  late(): Error;
}

/**
 * Answers that are dear to find: each is found once for all who ask at the same time, at most so many are looked for at once, and what was found is told for a while. What takes longer than
 * there is patience for is `late` for all who ask, keeps no others from their turn, and is not begun a second time beside it; what it finds in the end is told as any other.
 */
export interface Remembering<T> {
  /** What it ends with, an error too, is told to everybody who asks meanwhile or within `freshMs` after it; not to those who know of a change since then (`changedMs`, where that is no time to come). */
  get(key: string, find: () => Promise<T>, changedMs?: number, patience?: Patience): Promise<Remembered<T>>;
  /** What was found last, however long ago; nothing is looked for. */
  peek(key: string): Remembered<T> | undefined;
  /** Something is being looked for that may be found soon. */
  busy(): boolean;
}

interface Entry<T> {
  /** When looking began: undefined while its turn has not come. */
  readonly begun: { ms: number | undefined };
  foundMs: number | undefined;
  answer: Promise<Remembered<T>>;
  last: Remembered<T> | undefined;
}

/** `most`: so many keys are remembered; the one that was asked for longest ago is forgotten first. As many as `atOnce` may hang and leave their places to others. */
export function createRemembering<T>(
  clock: Clock,
  { freshMs, atOnce, most }: { readonly freshMs: number; readonly atOnce: number; readonly most: number },
): Remembering<T> {
  const entries = new Map<string, Entry<T>>();
  /** Those that take too long. */
  const hanging = new Map<string, Entry<T>>();
  const waiting: (() => void)[] = [];
  let working = 0;
  let placesLost = 0;

  const leavePlace = (): void => {
    const next = waiting.shift();
    // Whoever waits takes the place.
    if (next === undefined) working -= 1;
    else next();
  };

  const inTurn = async (
    find: () => Promise<T>,
    begun: Entry<T>['begun'],
    patience: Patience | undefined,
    hangs: () => void,
  ): Promise<Remembered<T>> => {
    if (working >= atOnce) await new Promise<void>((begin) => waiting.push(begin));
    else working += 1;
    let place = 'taken' as 'taken' | 'left' | 'lost';
    const late = (): void => {
      hangs();
      place = hanging.size <= atOnce ? 'left' : 'lost';
      if (place === 'left') leavePlace();
      else placesLost += 1;
    };
    const over = new AbortController();
    try {
      const ms = clock.now();
      begun.ms = ms;
      if (patience !== undefined) clock.sleep(patience.ms, over.signal).then(late, () => undefined);
      return { value: await find(), at: new Date(ms).toISOString() };
    } finally {
      over.abort();
      if (place === 'lost') placesLost -= 1;
      if (place !== 'left') leavePlace();
    }
  };

  const within = async ({ answer, begun, foundMs }: Entry<T>, patience: Patience | undefined): Promise<Remembered<T>> => {
    if (foundMs !== undefined || patience === undefined) return answer;
    const { ms, late } = patience;
    const leftMs = begun.ms === undefined ? ms : Math.min(ms, begun.ms + ms - clock.now());
    if (leftMs <= 0) throw late();
    const over = new AbortController();
    const tooLong = clock.sleep(leftMs, over.signal).then(() => Promise.reject(late()));
    return Promise.race([answer, tooLong]).finally(() => over.abort());
  };

  return {
    get(key, find, changedMs, patience) {
      const known = entries.get(key);
      if (known !== undefined) {
        entries.delete(key);
        entries.set(key, known);
        const agoMs = known.foundMs === undefined ? 0 : clock.now() - known.foundMs;
        const overtaken = changedMs !== undefined && changedMs <= clock.now() && known.begun.ms !== undefined && known.begun.ms < changedMs;
        const fresh = known.foundMs === undefined || (agoMs >= 0 && agoMs < freshMs);
        if (fresh && !overtaken) return within(known, patience);
      }
      const stuck = hanging.get(key);
      if (stuck !== undefined) return within(stuck, patience);
      const begun = { ms: undefined };
      const answer = inTurn(find, begun, patience, () => void hanging.set(key, entry));
      const entry: Entry<T> = { begun, foundMs: undefined, answer, last: known?.last };
      const ended = (found?: Remembered<T>): void => {
        entry.foundMs = clock.now();
        entry.last = found ?? entry.last;
        if (hanging.get(key) === entry) hanging.delete(key);
      };
      answer.then(ended, () => ended());
      entries.set(key, entry);
      for (const old of entries.keys()) {
        if (entries.size <= most) break;
        entries.delete(old);
      }
      return within(entry, patience);
    },
    peek: (key) => entries.get(key)?.last,
    busy: () => working > placesLost,
  };
}
