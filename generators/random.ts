/** Numbers that only a seed decides: the same seed and name give the same numbers on every machine. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number;
  /** One of them; throws on an empty list. */
  pick<T>(from: readonly T[]): T;
  /** True so many times in one. */
  chance(probability: number): boolean;
}

/** A stream of numbers of its own for each (seed, name): sfc32, started from an FNV-1a hash of both. */
export function createRandom(seed: number, name: string): Random {
  const text = `${seed}/${name}`;
  const word = (basis: number): number => {
    let hash = basis;
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return hash >>> 0;
  };
  let a = word(0x811c9dc5);
  let b = word(0x9e3779b9);
  let c = word(0x85ebca6b);
  let d = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; i += 1) next();
  return {
    next,
    below: (below) => Math.floor(next() * below),
    pick(from) {
      if (from.length === 0) throw new RangeError('nothing to pick from');
      return from[Math.floor(next() * from.length)] as (typeof from)[number];
    },
    chance: (probability) => next() < probability,
  };
}
