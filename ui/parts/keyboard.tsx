import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { type AfterKey, type Asked, afterKey, keyWords } from '../keys.ts';
import { go } from '../router.ts';
import { useWatched, watched } from '../watched.ts';
import './keyboard.css';
import { SearchDialog } from './search-dialog.tsx';

/** What the keyboard has opened. */
export const opened = watched<'search' | 'help' | undefined>(undefined);

/** A `g` that nothing follows is forgotten. */
const awaitMs = 1_500;
const rows = 'main table.rows > tbody > tr, main [data-row]';
const reached = 'a[href], button:not(:disabled), input, select, [tabindex="0"]';

/** The keys of the page, and what they open. Never while somebody writes. */
export function Keyboard() {
  const open = useWatched(opened);
  useEffect(() => {
    let awaits: AfterKey['awaits'];
    let timer: number | undefined;
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.key === 'Shift') return;
      const { target } = event;
      if (opened.get() !== undefined || (target instanceof Element && writes(target))) return;
      const after = afterKey(awaits, event.key);
      window.clearTimeout(timer);
      awaits = after.awaits;
      if (awaits !== undefined) timer = window.setTimeout(() => (awaits = undefined), awaitMs);
      if (after.asked !== undefined && follow(after.asked)) event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => {
      document.removeEventListener('keydown', pressed);
      window.clearTimeout(timer);
    };
  }, []);
  const close = (): void => opened.set(undefined);
  if (open === 'search') return <SearchDialog close={close} />;
  return open === 'help' ? <Help close={close} /> : null;
}

function writes(element: Element): boolean {
  if (element instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'submit'].includes(element.type);
  return (
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement ||
    (element instanceof HTMLElement && element.isContentEditable)
  );
}

/** False when there is nothing that it could do here. */
function follow(asked: Asked): boolean {
  switch (asked.does) {
    case 'search':
    case 'help':
      opened.set(asked.does);
      return true;
    case 'go':
      go(asked.to);
      return true;
    case 'next':
    case 'previous':
      return step(asked.does === 'next' ? 1 : -1);
    case 'press': {
      const found = document.querySelector(`[aria-keyshortcuts="${asked.key}"]`);
      if (!(found instanceof HTMLElement)) return false;
      found.click();
      return true;
    }
  }
}

/** To the line after or before the one that has the focus, whatever list it is in. */
function step(way: 1 | -1): boolean {
  const lines = [...document.querySelectorAll(rows)].flatMap((row) => {
    const first = row.querySelector(reached);
    return first instanceof HTMLElement ? [{ row, first }] : [];
  });
  const at = lines.findIndex(({ row }) => row.contains(document.activeElement));
  const next = lines[at === -1 ? (way === 1 ? 0 : lines.length - 1) : at + way];
  if (next === undefined) return false;
  next.first.focus();
  next.row.scrollIntoView({ block: 'nearest' });
  return true;
}

function Help({ close }: { readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes; the keyboard has Escape.
    <dialog
      ref={dialog}
      aria-label="keys"
      onClose={close}
      onClick={(event) => (event.target === dialog.current ? dialog.current?.close() : undefined)}
    >
      <div class="keys">
        <div class="keys-head">
          <h2>keys</h2>
          <button type="button" onClick={() => dialog.current?.close()}>
            close
          </button>
        </div>
        <dl>
          {keyWords.map(({ keys, what }) => (
            <>
              <dt key={keys}>
                {keys.split(' ').map((key) => (
                  <>
                    <kbd key={key}>{key}</kbd>{' '}
                  </>
                ))}
              </dt>
              <dd>{what}</dd>
            </>
          ))}
        </dl>
      </div>
    </dialog>
  );
}
