import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useWatched, watched } from '../watched.ts';

interface Told {
  readonly label: string;
  readonly what: ComponentChildren;
  /** True when what had the focus has gone. */
  readonly focused: boolean;
}

const told = watched<Told | undefined>(undefined);

/** Says what became of the action of that label, whose own place on the page is gone. */
export function say(label: string, what: ComponentChildren, focused: boolean): void {
  told.set({ label, what, focused });
}

/** What was said so last, until it is closed or another page is opened (`path`). It is there before it has something to say: so it is heard. */
export function Said({ path }: { readonly path: string }) {
  const now = useWatched(told);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => () => told.set(undefined), [path]);
  useLayoutEffect(() => {
    if (now?.focused === true) box.current?.focus({ preventScroll: true });
  }, [now]);
  const close = (): void => {
    told.set(undefined);
    document.getElementById('main')?.focus({ preventScroll: true });
  };
  return (
    <div class="said" role="status" tabIndex={-1} ref={box}>
      {now === undefined ? null : (
        <div class="banner">
          <span class="quiet">{now.label}:</span>
          <div>{now.what}</div>
          <button type="button" class="plain" onClick={close}>
            close
          </button>
        </div>
      )}
    </div>
  );
}
