import { useEffect, useState } from 'preact/hooks';

/** A value that components follow. */
export interface Watched<T> {
  get(): T;
  set(value: T): void;
  /** Called after each change, until the returned function is called. */
  watch(listener: () => void): () => void;
}

export function watched<T>(initial: T): Watched<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The value now; the component is drawn again when what `pick` makes of it changes. */
export function useWatched<T, P = T>(source: Watched<T>, pick: (value: T) => P = (value) => value as unknown as P): P {
  const [, draw] = useState<P>(() => pick(source.get()));
  useEffect(() => {
    const look = (): void => draw(() => pick(source.get()));
    look();
    return source.watch(look);
  }, [source, pick]);
  return pick(source.get());
}
