import type { ComponentChildren } from 'preact';
import type { ApiFailure } from '../api.ts';
import { ErrorBox } from './error-box.tsx';

/** Where nothing is yet: what will be here, and the one click or command that brings it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

/** What failed, what still holds, and what to do. */
export function Failure({
  what,
  failure,
  still,
}: {
  readonly what: string;
  readonly failure: ApiFailure;
  readonly still?: string | undefined;
}) {
  return <ErrorBox error={failure} what={<strong>{what}</strong>} still={still} />;
}

/** A page of one thing before its first answer: it says at once whose page it is. */
export function Unanswered({
  name,
  what,
  failure,
  still,
}: {
  readonly name: string;
  readonly what: string;
  readonly failure: ApiFailure | undefined;
  readonly still: string;
}) {
  return (
    <>
      <div class="head">
        <h1 class="name">{name}</h1>
      </div>
      {failure === undefined ? (
        <Waiting what={`Asking for the ${what} ...`} />
      ) : (
        <Failure what={`The ${what} cannot be shown`} failure={failure} still={still} />
      )}
    </>
  );
}

/** Before the first answer. */
export function Waiting({ what }: { readonly what: string }) {
  return (
    <p class="quiet waiting" role="status">
      {what}
    </p>
  );
}

/** A part of a page with its heading; `id` for those that links lead to. */
export function Section({
  id,
  title,
  note,
  side,
  children,
}: {
  readonly id?: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly side?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section id={id} aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {note === undefined ? null : <span class="quiet">{note}</span>}
        {side === undefined ? null : <span class="side">{side}</span>}
      </div>
      {children}
    </section>
  );
}
