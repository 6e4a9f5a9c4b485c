/** The numbers of the lines that are shown: so many around each of those that are meant, from 1, rising. Without any, the whole where so many are wanted. */
export function linesAround(count: number, meant: readonly number[], around: number): readonly number[] {
  if (around >= count) return Array.from({ length: count }, (_, n) => n + 1);
  const shown = new Set<number>();
  for (const line of meant) for (let n = Math.max(1, line - around); n <= Math.min(count, line + around); n += 1) shown.add(n);
  return [...shown].sort((a, b) => a - b);
}
