/** Which lines of a long list are on the screen, with some more above and below. `first` is in it, `end` is not. */
export function visibleLines(
  count: number,
  lineHeight: number,
  scrollTop: number,
  height: number,
  beyond = 20,
): { readonly first: number; readonly end: number } {
  const top = Math.max(0, Math.min(scrollTop, count * lineHeight - height));
  const first = Math.max(0, Math.floor(top / lineHeight) - beyond);
  const end = Math.min(count, Math.ceil((top + height) / lineHeight) + beyond);
  return { first: Math.min(first, end), end };
}
