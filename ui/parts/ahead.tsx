import { useAnswer } from '../answers.ts';

/** Asks for what a page's parts will need while the page itself is waited for. Draws nothing. */
export function Ahead({ of }: { readonly of: readonly string[] }) {
  return (
    <>
      {of.map((path) => (
        <One key={path} path={path} />
      ))}
    </>
  );
}

function One({ path }: { readonly path: string }) {
  useAnswer(path);
  return null;
}
