import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiFailure } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { setQuery, useAddress } from '../router.ts';
import { Failure } from './messages.tsx';

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

/** Buttons in a row; the one that is chosen opens a panel below that says what it will do. */
export function Acts({ acts, children }: { readonly acts: readonly Act[]; readonly children?: ComponentChildren }) {
  const [open, setOpen] = useState<string>();
  const id = useId();
  const buttons = useRef<HTMLSpanElement>(null);
  // The button that opened it has the focus again: without, the next key begins at the top of the page.
  const close = (): void => {
    setOpen(undefined);
    buttons.current?.querySelector<HTMLElement>('[aria-expanded="true"]')?.focus();
  };
  const chosen = acts.find((act) => act.name === open);
  const { query } = useAddress();
  const asked = acts.find(({ name }) => name === query.get('act'))?.name;
  // A link that leads to an action leads to what it says; that it was asked for does not stay in the address.
  useEffect(() => {
    if (asked === undefined) return;
    setOpen(asked);
    setQuery({ act: undefined });
  }, [asked]);
  return (
    <>
      <span class="acts" ref={buttons}>
        {acts.map((act) => (
          <button
            key={act.name}
            type="button"
            aria-label={heard(act)}
            aria-expanded={act.name === open}
            aria-controls={id}
            onClick={() => setOpen(act.name === open ? undefined : act.name)}
          >
            {act.name}
          </button>
        ))}
        {children}
      </span>
      {chosen === undefined ? null : <ActPanel key={chosen.name} id={id} act={chosen} close={close} />}
    </>
  );
}

/** Who speaks to the page says what they see. */
function heard({ name, label }: Act): string {
  return label.includes(name) ? label : `${name}: ${label}`;
}

function ActPanel({ id, act, close }: { readonly id: string; readonly act: Act; readonly close: () => void }) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const [done, setDone] = useState<ComponentChildren>();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  const doIt = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      setDone((await act.run()) ?? 'Done.');
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      noteFailure(error);
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
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
      {done === undefined ? (
        <>
          <div class="act-says">{act.says}</div>
          {failure === undefined ? null : <Failure what="Not done" failure={failure} />}
          <div class="acts">
            <button type="button" class="strong" disabled={busy || act.notYet === true} onClick={() => void doIt()}>
              {act.confirm}
            </button>
            <button type="button" onClick={close}>
              leave it
            </button>
          </div>
        </>
      ) : (
        <div class="acts act-done" role="status">
          <span>{done}</span>
          <button type="button" onClick={close}>
            close
          </button>
        </div>
      )}
    </section>
  );
}
