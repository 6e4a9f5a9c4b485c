/** `next`, with every part that equals the one of `last` replaced by that one: whoever compares by identity sees what changed, and nothing else is drawn again. */
export function keepSame<T>(last: unknown, next: T): T {
  if (Object.is(last, next)) return next;
  if (Array.isArray(last) && Array.isArray(next)) {
    const kept = next.map((item, index) => keepSame(last[index], item));
    return (kept.length === last.length && kept.every((item, index) => item === last[index]) ? last : kept) as T;
  }
  if (isPlain(last) && isPlain(next)) {
    const kept = Object.fromEntries(Object.entries(next).map(([key, value]) => [key, keepSame(last[key], value)]));
    const keys = Object.keys(kept);
    const unchanged = keys.length === Object.keys(last).length && keys.every((key) => Object.hasOwn(last, key) && kept[key] === last[key]);
    return (unchanged ? last : kept) as T;
  }
  return next;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
