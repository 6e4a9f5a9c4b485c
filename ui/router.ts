import { useWatched, watched } from './watched.ts';

interface Address {
  readonly path: string;
  readonly query: URLSearchParams;
}

function here(): Address {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}

const current = watched<Address>(here());

/** Links within the page change the address without loading it anew; everything else is left to the browser. */
export function followLinks(): void {
  window.addEventListener('popstate', () => current.set(here()));
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    const to = link?.getAttribute('href') ?? link?.getAttributeNS('http://www.w3.org/1999/xlink', 'href');
    if (to === null || to === undefined || !to.startsWith('/') || to.startsWith('/api/') || link?.hasAttribute('download')) return;
    event.preventDefault();
    go(to);
  });
}

/** Goes to an address of the page. */
export function go(to: string): void {
  window.history.pushState(null, '', to);
  current.set(here());
  window.scrollTo(0, 0);
}

export function useAddress(): Address {
  return useWatched(current);
}

/** Keeps a filter in the address, without a step in the history; of a list each value stands there by itself. */
export function setQuery(changes: Readonly<Record<string, string | readonly string[] | undefined>>): void {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) if (one !== '') query.append(name, one);
  }
  const text = query.toString();
  window.history.replaceState(null, '', `${window.location.pathname}${text === '' ? '' : `?${text}`}`);
  current.set(here());
}
