import type { ShownLine } from './log-lines.ts';

/** How much of a line the log has room for. */
export interface Fit {
  /** Letters of a text beside its time, level and node; below them if `apart`. */
  readonly columns: number;
  /** True where a line of its own says time, level and node: there is no room beside them. */
  readonly apart: boolean;
}

/** Lines that are too long for the screen as several, each as high as any: which ones are on it stays a matter of counting. Nothing of a text is left out. */
export function wrapLines(lines: readonly ShownLine[], { columns, apart }: Fit): readonly ShownLine[] {
  if (!apart && lines.every(({ text }) => text.length <= columns)) return lines;
  return lines.flatMap((line) => {
    const { key, at, text } = line;
    const parts = text === '' && at !== undefined ? [] : partsOf(text, columns);
    const further = parts.map((part, index) => ({ ...line, key: `${key}/${index}`, at: undefined, text: part }));
    if (apart) return at === undefined ? further : [{ ...line, text: '' }, ...further];
    return [{ ...line, text: parts[0] ?? '' }, ...further.slice(1)];
  });
}

/** Broken after a blank where one is near the end, else in the middle of a word, never in the middle of a letter. */
function partsOf(text: string, columns: number): string[] {
  const parts: string[] = [];
  let from = 0;
  while (text.length - from > columns) {
    const blank = text.lastIndexOf(' ', from + columns - 1);
    let to = blank >= from + columns / 2 ? blank + 1 : from + columns;
    if (/[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to -= 1;
    parts.push(text.slice(from, to));
    from = to;
  }
  parts.push(text.slice(from));
  return parts;
}
