import type { ComponentChildren } from 'preact';

/** Each of some names as `show` shows it, with commas between. */
export function Joined({ names, show }: { readonly names: readonly string[]; readonly show: (name: string) => ComponentChildren }) {
  return (
    <>
      {names.map((name, at) => (
        <span key={name}>
          {at === 0 ? '' : ', '}
          {show(name)}
        </span>
      ))}
    </>
  );
}
