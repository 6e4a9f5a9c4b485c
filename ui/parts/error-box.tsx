import type { ComponentChildren } from 'preact';
import { lookOf } from '../states.ts';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';

interface Props {
  readonly error: { readonly message: string; readonly code: string; readonly hint?: string | undefined };
  /** Stands before the message: what failed. */
  readonly what?: ComponentChildren;
  /** What still works. */
  readonly still?: string | undefined;
}

/** What failed, why, and what to do. */
export function ErrorBox({ error, what, still }: Props) {
  return (
    <div class="failure" role="alert">
      <Mark look={lookOf('failed')} />
      <div>
        <p>
          {what === undefined ? null : <>{what}: </>}
          <Prose text={error.message} /> <span class="code">{error.code}</span>
        </p>
        {error.hint === undefined ? null : (
          <p class="hint">
            What to do: <Prose text={error.hint} />
          </p>
        )}
        {still === undefined ? null : <p class="quiet">{still}</p>}
      </div>
    </div>
  );
}
