import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Overview } from '../../engine/api-overview.ts';
import type { SearchPage } from '../../engine/api-search.ts';
import { useAnswer } from '../answers.ts';
import { ApiFailure, get, paths } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { go } from '../router.ts';
import { type Found, type FoundKind, findable, foundRuns, type RunSearch, ranked, searchNote } from '../search.ts';
import './keyboard.css';

const words: Readonly<Record<FoundKind, string>> = {
  page: 'pages',
  pipeline: 'pipelines',
  table: 'tables',
  problem: 'needs attention',
  run: 'runs',
  node: 'nodes',
  action: 'actions',
};
/** Of an id or of what a run said; shorter ones are in everything. */
const leastAsked = 3;
const restMs = 150;
const none: readonly Found[] = [];
const short: RunSearch = { state: 'short' };
const looking: RunSearch = { state: 'looking' };

/** One field that leads to everything: what the overview knows, and runs that the daemon finds. The pattern of a combobox with a list in groups. */
export function SearchDialog({ close }: { readonly close: () => void }) {
  const { data, failure } = useAnswer<Overview>(paths.overview);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [typed, setTyped] = useState('');
  const [chosen, choose] = useState(0);
  const search = useRunSearch(typed);
  const runs = search.state === 'known' ? search.runs : none;
  const known = useMemo(() => (data === undefined ? [] : findable(data)), [data]);
  const groups = useMemo(() => {
    // What a run said need not have the words as they were typed here.
    const found = ranked(known, typed).filter(({ kind }) => kind !== 'run' || runs.length === 0);
    return runs.length === 0 ? found : [...found, { kind: 'run' as const, found: runs }];
  }, [known, runs, typed]);
  const flat = groups.flatMap(({ found }) => found);
  const unknown =
    data !== undefined ? undefined : failure === undefined ? 'Asking what there is' : `What there is cannot be told: ${failure.message}`;
  const note = searchNote(typed, flat.length, unknown, search);
  const at = Math.min(chosen, flat.length - 1);
  // At once: what is typed after the key that opened it is meant for the field.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' }), [id, at]);
  const open = (found: Found | undefined): void => {
    if (found === undefined) return;
    dialog.current?.close();
    go(found.to);
  };
  const pressed = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && flat.length > 0) choose((at + step + flat.length) % flat.length);
    else if (event.key === 'Enter' && !event.isComposing) open(flat[at]);
    else return;
    event.preventDefault();
  };
  let index = -1;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes; the keyboard has Escape.
    <dialog
      ref={dialog}
      aria-label="search"
      onClose={close}
      onClick={(event) => (event.target === dialog.current ? dialog.current?.close() : undefined)}
    >
      <input
        class="search-typed"
        type="text"
        role="combobox"
        aria-label="search pipelines, tables, runs, problems, pages and actions"
        aria-expanded={flat.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={flat.length === 0 ? undefined : `${id}-${at}`}
        placeholder="a pipeline, table, run, error or action"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          choose(0);
        }}
        onKeyDown={pressed}
      />
      <div class="search-found" role="listbox" id={`${id}-list`} aria-label="found">
        {groups.map(({ kind, found }) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a listbox.
          <div key={kind} role="group" aria-label={words[kind]}>
            <div role="presentation">{words[kind]}</div>
            {found.map((each) => {
              index += 1;
              const mine = index;
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys of a combobox. biome-ignore lint/a11y/useFocusableInteractive: and the focus.
                <div
                  key={each.to + each.name}
                  id={`${id}-${mine}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={mine === at}
                  onClick={() => open(each)}
                  onPointerMove={() => choose(mine)}
                >
                  <span class="name">{each.name}</span>
                  <span class="quiet">{each.more}</span>
                </div>
              );
            })}
          </div>
        ))}
      </div>
      <p class="search-note" role="status">
        {note}
        {flat.length === 0 ? null : (
          <>
            {note === undefined ? null : <br />}
            <kbd>↑</kbd> <kbd>↓</kbd> choose, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes
          </>
        )}
      </p>
    </dialog>
  );
}

/** Asked for once the typing rests. What came of other words is nothing that these found. */
function useRunSearch(typed: string): RunSearch {
  const [answered, setAnswered] = useState<{ readonly words: string; readonly search: RunSearch }>();
  const wanted = typed.trim();
  useEffect(() => {
    if (wanted.length < leastAsked) return;
    const gone = new AbortController();
    const timer = window.setTimeout(() => {
      get<SearchPage>(paths.search(wanted), { signal: gone.signal }).then(
        (page) => setAnswered({ words: wanted, search: { state: 'known', runs: foundRuns(page.runs) } }),
        (error: unknown) => {
          if (gone.signal.aborted) return;
          if (!(error instanceof ApiFailure)) throw error;
          noteFailure(error);
          setAnswered({
            words: wanted,
            search: { state: 'failed', why: error.message },
          });
        },
      );
    }, restMs);
    return () => {
      window.clearTimeout(timer);
      gone.abort();
    };
  }, [wanted]);
  if (wanted.length < leastAsked) return short;
  return answered?.words === wanted ? answered.search : looking;
}
