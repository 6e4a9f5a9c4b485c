/** A part of a sentence: plain words, a name or command that stood between backticks, or the id of a run. */
export interface ProsePart {
  readonly kind: 'words' | 'name' | 'run';
  readonly text: string;
}

/** In a path it is a folder. */
const runId = /(?<![/\w])([0-7][0-9A-HJKMNP-TV-Z]{25})(?![/\w])/;

/** The parts of a sentence that the engine wrote. An odd number of backticks is no pair: then they are words. */
export function proseParts(text: string): readonly ProsePart[] {
  const ticked = text.split('`');
  const parts: readonly ProsePart[] =
    ticked.length % 2 === 0
      ? [{ kind: 'words', text }]
      : ticked.map((part, index) => ({ kind: index % 2 === 0 ? 'words' : 'name', text: part }));
  return parts
    .flatMap((part) =>
      part.text.split(runId).map((piece, index): ProsePart => (index % 2 === 0 ? { ...part, text: piece } : { kind: 'run', text: piece })),
    )
    .filter((part) => part.text !== '');
}
