/** The middle one, or the mean of the two in the middle. NaN of none. */
export function median(of: readonly number[]): number {
  const sorted = [...of].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Milliseconds as seconds, with as many digits as mean something. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Bytes as MB. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/** Writes a line to stdout. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a table in Markdown; the first row is its head. */
export function sayTable(rows: readonly (readonly string[])[]): void {
  const [head = [], ...body] = rows;
  say(`\n| ${head.join(' | ')} |\n|${head.map(() => '---|').join('')}`);
  for (const row of body) say(`| ${row.join(' | ')} |`);
}
