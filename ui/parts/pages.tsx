/** The way to older ones of a list that comes in pages, and back to the newest. */
export function Pages({
  before,
  next,
  go,
  what,
}: {
  readonly before: string | undefined;
  readonly next: string | undefined;
  readonly go: (to: string | undefined) => void;
  readonly what: string;
}) {
  if (before === undefined && next === undefined) return null;
  return (
    <p class="acts">
      {before === undefined ? null : (
        <button type="button" onClick={() => go(undefined)} aria-label={`newest ${what}`}>
          newest
        </button>
      )}
      {next === undefined ? null : (
        <button type="button" onClick={() => go(next)} aria-label={`older ${what}`}>
          older
        </button>
      )}
    </p>
  );
}
