/** A part of a sentence: plain words, a name or command that stood between backticks, the id of a run, or a moment in UTC. */
export interface ProsePart {
  readonly kind: 'words' | 'name' | 'run' | 'time';
  readonly text: string;
}

/** In a path it is a folder. */
const runId = /(?<![/\w])([0-7][0-9A-HJKMNP-TV-Z]{25})(?![/\w])/;
const moment = /\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** The parts of a sentence that the engine wrote. An odd number of backticks is no pair: then they are words. */
export function proseParts(text: string): readonly ProsePart[] {
  const ticked = text.split('`');
  const parts: readonly ProsePart[] =
    ticked.length % 2 === 0
      ? [{ kind: 'words', text }]
      : ticked.map((part, index) => ({ kind: index % 2 === 0 ? 'words' : 'name', text: part }));
  return parts
    .flatMap((part) => divided(part, runId, 'run'))
    .flatMap((part) => (part.kind === 'words' ? divided(part, moment, 'time') : [part]))
    .filter((part) => part.text !== '');
}

/** Every second piece of a text that is split by a pattern with one group is what the group found. */
function divided(part: ProsePart, pattern: RegExp, kind: ProsePart['kind']): readonly ProsePart[] {
  return part.text.split(pattern).map((text, index) => (index % 2 === 0 ? { ...part, text } : { kind, text }));
}
