import type { Clock } from '../base/clock.ts';
import { EngineError, errorData } from '../error.ts';

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

/** `make` is not called again within `freshMs`; an error of trouble `outside` gives what was known before. */
export function lastKnown<T>(clock: Clock, freshMs: number, make: () => Promise<T>): LastKnown<T> {
  let known: { readonly value: T; readonly at: number } | undefined;
  let making: Promise<Known<T>> | undefined;
  let downSince: string | undefined;
  let round = 0;
  const attempt = async (mine: number): Promise<Known<T>> => {
    try {
      const value = await make();
      downSince = undefined;
      if (mine === round) known = { value, at: clock.now() };
      return { value, down: undefined };
    } catch (error) {
      if (known === undefined || !(error instanceof EngineError) || error.trouble !== 'outside') throw error;
      downSince ??= new Date(clock.now()).toISOString();
      return { value: known.value, down: { since: downSince, message: errorData(error).message } };
    } finally {
      if (mine === round) making = undefined;
    }
  };
  return {
    get() {
      if (known !== undefined && downSince === undefined && clock.now() - known.at < freshMs)
        return Promise.resolve({ value: known.value, down: undefined });
      making ??= attempt(round);
      return making;
    },
    forget() {
      round += 1;
      making = undefined;
      if (known !== undefined) known = { value: known.value, at: Number.NEGATIVE_INFINITY };
    },
  };
}
