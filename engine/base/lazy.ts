/** Something that is made once, on first use; a making that failed is forgotten, so that the next use tries again. */
export interface Lazy<T> {
  get(): Promise<T>;
  /** What is being or was made; undefined before the first use. */
  peek(): Promise<T> | undefined;
  forget(): void;
}

export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let made: Promise<T> | undefined;
  return {
    get() {
      if (made !== undefined) return made;
      const making = make();
      made = making;
      making.catch(() => {
        if (made === making) made = undefined;
      });
      return making;
    },
    peek: () => made,
    forget() {
      made = undefined;
    },
  };
}
