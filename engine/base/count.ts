/** `1,234`, or with a word `1,234 rows`, `1 row`. */
export function countText(count: number, word?: string): string {
  const digits = Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
  if (word === undefined) return digits;
  return `${digits} ${Math.round(count) === 1 ? word : `${word}s`}`;
}
