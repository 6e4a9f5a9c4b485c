import { Fragment } from 'preact';
import type { RunLink } from '../../engine/api-run.ts';

/** Pages of other programs about a run; they open beside this one, and are not told which page led there. */
export function RunLinks({ links }: { readonly links: readonly RunLink[] }) {
  return (
    <>
      {links.map(({ name, url }, i) => (
        <Fragment key={name}>
          {i === 0 ? '' : ', '}
          <a href={url} target="_blank" rel="noopener noreferrer" title={url}>
            {name}
          </a>
        </Fragment>
      ))}
    </>
  );
}
