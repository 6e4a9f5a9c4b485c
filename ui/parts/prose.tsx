import { proseParts } from '../prose.ts';
import { runPath } from '../routes.ts';
import { Time } from './time.tsx';

/** A sentence that the engine wrote: names and commands set apart, runs as links, times as the reader's. It is text, whatever it holds. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <span class="prose">
      {proseParts(text).map((part, index) =>
        part.kind === 'words' ? (
          part.text
        ) : part.kind === 'run' ? (
          <a key={index} class="name" href={runPath(part.text)}>
            {part.text}
          </a>
        ) : part.kind === 'time' ? (
          <Time key={index} at={part.text} show="clock" />
        ) : (
          <span key={index} class="name">
            {part.text}
          </span>
        ),
      )}
    </span>
  );
}
