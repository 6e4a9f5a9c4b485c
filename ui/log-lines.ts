import type { LogLine } from '../engine/api.ts';

/** One line on the screen: a message of several lines gives several. */
export interface ShownLine {
  readonly key: string;
  readonly at: string | undefined;
  readonly level: LogLine['level'];
  readonly node: string | undefined;
  readonly text: string;
}

/** Lines as they are shown; what continues a message has no time. */
export function shownLines(lines: readonly LogLine[]): ShownLine[] {
  return lines.flatMap(({ seq, at, level, node, text }) =>
    text.split('\n').map((part, index) => ({ key: `${seq}.${index}`, at: index === 0 ? at : undefined, level, node, text: part })),
  );
}

/** Those of one node, if one is given, that hold the text, whatever its case. */
export function filterLines(lines: readonly LogLine[], node: string | undefined, search: string): readonly LogLine[] {
  if (node === undefined && search === '') return lines;
  const wanted = search.toLowerCase();
  return lines.filter((line) => (node === undefined || line.node === node) && (wanted === '' || line.text.toLowerCase().includes(wanted)));
}
