import { setQuery } from '../router.ts';

interface Props {
  /** What is searched, for those who only hear it. */
  readonly label: string;
  /** What can be typed. */
  readonly placeholder: string;
  readonly search: string;
}

/** A field that narrows a list as somebody types; what it holds stands in the address as `search`. */
export function SearchBox({ label, placeholder, search }: Props) {
  return (
    <input
      aria-label={label}
      type="search"
      placeholder={placeholder}
      value={search}
      spellcheck={false}
      onInput={(event) => setQuery({ search: event.currentTarget.value })}
    />
  );
}
