import type { Clock } from '../base/clock.ts';
import { EngineError, errorData } from '../error.ts';

export interface LastKnownOptions {
  readonly freshMs: number;
  readonly patienceMs: number;
}

/** An answer, and since when it cannot be had anew. */
export interface Known<T> {
  readonly value: T;
  readonly down: { readonly since: string; readonly message: string } | undefined;
}

/** Something that many ask for: made once for those who ask at the same time, and kept for when it cannot be made. */
export interface LastKnown<T> {
  /** Throws what `make` threw when it never succeeded. */
  get(): Promise<Known<T>>;
  /** What comes next is made anew. */
  forget(): void;
}

/**
 * `make` is not called again within `freshMs`. An error of trouble `outside` gives what was known before, and so does one that takes longer than `patienceMs`; it is waited
 * for all the same, and nothing else is asked meanwhile.
 */
export function lastKnown<T>(clock: Clock, { freshMs, patienceMs }: LastKnownOptions, make: () => Promise<T>): LastKnown<T> {
  let known: { readonly value: T; readonly at: number } | undefined;
  let making: Promise<Known<T>> | undefined;
  let downSince: string | undefined;
  let round = 0;
  const before = (message: string): Known<T> | undefined => {
    if (known === undefined) return undefined;
    downSince ??= new Date(clock.now()).toISOString();
    return { value: known.value, down: { since: downSince, message } };
  };
  const attempt = async (mine: number): Promise<Known<T>> => {
    try {
      const value = await make();
      downSince = undefined;
      if (mine === round) known = { value, at: clock.now() };
      return { value, down: undefined };
    } catch (error) {
      const last = error instanceof EngineError && error.trouble === 'outside' ? before(errorData(error).message) : undefined;
      if (last === undefined) throw error;
      return last;
    } finally {
      if (mine === round) making = undefined;
    }
  };
  return {
    async get() {
      if (known !== undefined && downSince === undefined && clock.now() - known.at < freshMs)
        return { value: known.value, down: undefined };
      making ??= attempt(round);
      const over = new AbortController();
      const late = clock.sleep(patienceMs, over.signal).then(
        () => before(`the state store does not answer within ${patienceMs / 1000} s`),
        () => undefined,
      );
      try {
        return (await Promise.race([making, late])) ?? (await making);
      } finally {
        over.abort();
      }
    },
    forget() {
      round += 1;
      making = undefined;
      if (known !== undefined) known = { value: known.value, at: Number.NEGATIVE_INFINITY };
    },
  };
}
