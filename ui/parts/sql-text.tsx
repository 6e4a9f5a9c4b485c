import { useRef, useState } from 'preact/hooks';
import { copyText } from '../copy.ts';
import './sql-text.css';

interface Props {
  readonly sql: string;
  /** What it is, for those who do not see where it stands. */
  readonly label: string;
}

/** A statement as it was sent, to be read and copied. */
export function SqlText({ sql, label }: Props) {
  const box = useRef<HTMLPreElement>(null);
  const [said, say] = useState('');
  const copy = async (): Promise<void> => {
    if (await copyText(sql)) return say('copied');
    // Then at least it is one key away.
    if (box.current !== null) window.getSelection()?.selectAllChildren(box.current);
    say('selected: copy it by the keyboard');
  };
  return (
    <div class="sql">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <section class="sql-code" tabIndex={0} aria-label={label}>
        <pre ref={box}>{sql}</pre>
      </section>
      <span class="sql-copy">
        <span class="quiet" role="status">
          {said}
        </span>
        <button type="button" aria-label={`copy ${label}`} onClick={() => void copy()} onBlur={() => say('')}>
          copy
        </button>
      </span>
    </div>
  );
}
