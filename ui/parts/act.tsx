import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { setQuery, useAddress } from '../router.ts';
import { Failure } from './messages.tsx';
import { say } from './said.tsx';

/** An action that says what it will do before it does it. */
export interface Act {
  /** The word on the button. */
  readonly name: string;
  /** A whole sentence's worth for those who only hear it: `retry run 01H...`. */
  readonly label: string;
  /** The word on the button that does it. */
  readonly confirm: string;
  /** What will happen, and whether it can be undone. */
  readonly says: ComponentChildren;
  /** Does it; returns what became of it. Throws ApiFailure. */
  run(): Promise<ComponentChildren>;
  /** True while it cannot be done yet: what it would do is not known. */
  readonly notYet?: boolean;
}

/** What an opened action has come to. */
interface Opened {
  readonly name: string;
  /** Tells one opening from the next. */
  readonly turn: number;
  readonly busy?: boolean;
  readonly failure?: ApiFailure;
  readonly done?: ComponentChildren;
}

/** Buttons in a row; the one that is chosen opens a panel below that says what it will do, and then what became of it. */
export function Acts({ acts, children }: { readonly acts: readonly Act[]; readonly children?: ComponentChildren }) {
  const id = useId();
  const row = useRef<HTMLSpanElement>(null);
  const turns = useRef(0);
  const [opened, setOpened] = useState<Opened>();
  const now = useRef(opened);
  now.current = opened;
  const has = acts.find(({ name }) => name === opened?.name);
  // What it did often takes an action away (a pause leaves a resume): its panel is there until it was read.
  const last = useRef(has);
  if (has !== undefined) last.current = has;
  const act = has ?? (last.current?.name === opened?.name ? last.current : undefined);
  const over = act !== undefined && has === undefined;

  const open = (name: string): void => {
    turns.current += 1;
    setOpened({ name, turn: turns.current });
  };
  // The button that opened it has the focus again: without, the next key begins at the top of the page.
  const close = (): void => {
    focusOn(row.current?.querySelector('[aria-expanded="true"]') ?? row.current?.querySelector('button, a[href]'));
    setOpened(undefined);
  };
  const hasFocus = (): boolean =>
    row.current?.contains(document.activeElement) === true || document.getElementById(id)?.contains(document.activeElement) === true;

  // One that can be done again has nothing to do with what was said before.
  const wasOver = useRef<number | undefined>(undefined);
  useLayoutEffect(() => {
    if (!over && opened !== undefined && wasOver.current === opened.turn) {
      if (hasFocus()) close();
      else setOpened(undefined);
    }
    wasOver.current = over ? opened?.turn : undefined;
  }, [over, opened?.turn]);

  const { query } = useAddress();
  const asked = acts.find(({ name }) => name === query.get('act'))?.name;
  // A link that leads to an action leads to what it says; that it was asked for does not stay in the address.
  useEffect(() => {
    if (asked === undefined) return;
    open(asked);
    setQuery({ act: undefined });
  }, [asked]);

  // With its line the panel may go as well, before it was read: what it said is said elsewhere then.
  useLayoutEffect(() => {
    const { pathname } = window.location;
    return () => {
      if (window.location.pathname !== pathname) return;
      const { done } = now.current ?? {};
      const focused = hasFocus();
      now.current = undefined;
      if (done !== undefined && last.current !== undefined) say(last.current.label, done, focused);
      else if (focused) focusOn(document.getElementById('main'));
    };
  }, []);

  const doIt = async (chosen: Act, { name, turn }: Opened): Promise<void> => {
    setOpened({ name, turn, busy: true });
    const told = (came: Pick<Opened, 'failure' | 'done'>): void => {
      if (now.current?.turn === turn) setOpened({ name, turn, ...came });
      else say(chosen.label, came.failure === undefined ? came.done : <Failure what="Not done" failure={came.failure} />, false);
    };
    try {
      told({ done: (await chosen.run()) ?? 'Done.' });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      noteFailure(error);
      told({ failure: error });
    }
  };
  return (
    <>
      <span class="acts" ref={row}>
        {acts.map((each) => (
          <button
            key={each.name}
            type="button"
            aria-label={heard(each)}
            aria-expanded={each === has}
            aria-controls={id}
            onClick={() => (each === has ? setOpened(undefined) : open(each.name))}
          >
            {each.name}
          </button>
        ))}
        {children}
      </span>
      {opened === undefined || act === undefined ? null : (
        <ActPanel key={opened.turn} id={id} act={act} opened={opened} over={over} doIt={() => void doIt(act, opened)} close={close} />
      )}
    </>
  );
}

/** Who speaks to the page says what they see. */
function heard({ name, label }: Act): string {
  return label.includes(name) ? label : `${name}: ${label}`;
}

function focusOn(element: Element | null | undefined): void {
  const found = element ?? document.getElementById('main');
  if (found instanceof HTMLElement) found.focus({ preventScroll: true });
}

interface PanelProps {
  readonly id: string;
  readonly act: Act;
  readonly opened: Opened;
  /** It cannot be done any more. */
  readonly over: boolean;
  readonly doIt: () => void;
  readonly close: () => void;
}

function ActPanel({ id, act, opened: { busy = false, failure, done }, over, doIt, close }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  // A button that goes takes the focus with it; the panel has it then.
  const had = panel.current?.contains(document.activeElement) === true;
  useLayoutEffect(() => {
    if (had && panel.current?.contains(document.activeElement) === false) panel.current.focus({ preventScroll: true });
  });
  const asks = done === undefined && (busy || !over);
  const waits = busy || act.notYet === true;
  return (
    <section
      id={id}
      class="act-panel"
      aria-label={act.label}
      tabIndex={-1}
      ref={panel}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        close();
      }}
    >
      {asks ? <div class="act-says">{act.says}</div> : null}
      {failure === undefined ? null : <Failure what="Not done" failure={failure} />}
      <div class="acts">
        <span class="act-said" role="status">
          {done ?? (asks || failure !== undefined ? null : `Nothing was done: "${act.name}" is not possible any more.`)}
        </span>
        {asks ? (
          <button type="button" class="strong" aria-disabled={waits} onClick={() => (waits ? undefined : doIt())}>
            {act.confirm}
          </button>
        ) : null}
        <button type="button" onClick={close}>
          {asks ? 'leave it' : 'close'}
        </button>
      </div>
    </section>
  );
}
