import type { LogLine } from '../engine/api.ts';
import { countText } from './figures.ts';

/** One line on the screen: a message of several lines gives several. */
export interface ShownLine {
  readonly key: string;
  /** Of the event that it is of. */
  readonly seq: number;
  readonly at: string | undefined;
  readonly level: LogLine['level'];
  readonly node: string | undefined;
  readonly text: string;
}

/** How many messages are shown, and of how many where something is left out. Messages, not the lines that they take on the screen: those depend on its width. */
export function countOfLog(shown: number, all: number, filtered: boolean): string {
  return filtered ? `${countText(shown)} of ${countText(all, 'message')}` : countText(all, 'message');
}

/** Lines as they are shown; what continues a message has no time. */
export function shownLines(lines: readonly LogLine[]): ShownLine[] {
  return lines.flatMap(({ seq, at, level, node, text }) =>
    text.split('\n').map((part, index) => ({ key: `${seq}.${index}`, seq, at: index === 0 ? at : undefined, level, node, text: part })),
  );
}
