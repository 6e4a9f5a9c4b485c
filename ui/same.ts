/**
 * `next`, with every part that equals the one of `last` replaced by that one: whoever compares by identity sees what changed, and nothing else is drawn again. `next` is changed in place, so it has to be the
 * caller's own: of a large answer of which little is new, hardly anything is made.
 */
export function keepSame<T>(last: unknown, next: T): T {
  if (Object.is(last, next)) return next;
  if (Array.isArray(last) && Array.isArray(next)) return (keepItems(last, next) ? last : next) as T;
  if (isPlain(last) && isPlain(next)) return (keepFields(last, next) ? last : next) as T;
  return next;
}

function keepItems(last: readonly unknown[], next: unknown[]): boolean {
  let same = next.length === last.length;
  for (let i = 0; i < next.length; i += 1) {
    next[i] = keepSame(last[i], next[i]);
    same &&= next[i] === last[i];
  }
  return same;
}

function keepFields(last: Readonly<Record<string, unknown>>, next: Record<string, unknown>): boolean {
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(last).length;
  for (const key of keys) {
    next[key] = keepSame(last[key], next[key]);
    same &&= next[key] === last[key] && Object.hasOwn(last, key);
  }
  return same;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
