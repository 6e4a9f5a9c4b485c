import { setQuery } from './router.ts';

/** Shows of the log what a node, or one attempt of it, has said. */
export function showLog(node: string, attempt?: number): void {
  setQuery({ node, attempt: attempt === undefined ? undefined : String(attempt), line: undefined });
  document.querySelector('.log')?.scrollIntoView({ block: 'nearest' });
}
