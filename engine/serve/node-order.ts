/** One list of names out of several, the first of which counts most: each name once, and those that only a later list has behind the one that they follow there. */
export function mergeOrder(lists: readonly (readonly string[])[]): readonly string[] {
  const order: string[] = [];
  const known = new Set<string>();
  for (const names of lists) {
    names.forEach((name, i) => {
      if (known.has(name)) return;
      const before = names[i - 1];
      const after = names.slice(i + 1).find((next) => known.has(next));
      const at = before !== undefined ? order.indexOf(before) + 1 : after !== undefined ? order.indexOf(after) : order.length;
      order.splice(at, 0, name);
      known.add(name);
    });
  }
  return order;
}
