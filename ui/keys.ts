import { nav } from './nav.ts';

/** What a key asks for. `press`: what is on the page and says that this key is its own (`aria-keyshortcuts`). */
export type Asked =
  | { readonly does: 'search' | 'help' | 'next' | 'previous' }
  | { readonly does: 'go'; readonly to: string }
  | { readonly does: 'press'; readonly key: string };

/** After one key: what it asks for, and whether the next one belongs to it. */
export interface AfterKey {
  readonly asked: Asked | undefined;
  readonly awaits: 'jump' | undefined;
}

/** The keys of the page, one after another; `before` is what the key before awaits. */
export function afterKey(before: AfterKey['awaits'], key: string): AfterKey {
  if (before === 'jump') {
    const page = nav.find((each) => each.key === key);
    return { asked: page === undefined ? undefined : { does: 'go', to: page.to }, awaits: undefined };
  }
  switch (key) {
    case 'g':
      return { asked: undefined, awaits: 'jump' };
    case '/':
      return { asked: { does: 'search' }, awaits: undefined };
    case '?':
      return { asked: { does: 'help' }, awaits: undefined };
    case 'j':
      return { asked: { does: 'next' }, awaits: undefined };
    case 'k':
      return { asked: { does: 'previous' }, awaits: undefined };
    default:
      return { asked: /^[a-z]$/.test(key) ? { does: 'press', key } : undefined, awaits: undefined };
  }
}

/** Every key with what it does, for those who ask. */
export const keyWords: readonly { readonly keys: string; readonly what: string }[] = [
  { keys: '/', what: 'search everything' },
  ...nav.map(({ key, name }) => ({ keys: `g ${key}`, what: `go to ${name.toLowerCase()}` })),
  { keys: 'j', what: 'next line of a list' },
  { keys: 'k', what: 'line before it' },
  { keys: 'Enter', what: 'open what the line leads to' },
  { keys: '← →', what: 'along the bars of runs' },
  { keys: '↑ ↓ ← →', what: 'within a graph, a grid, the schedule, the times of a log' },
  { keys: 'f', what: 'follow the log of a run, or stop following' },
  { keys: 'Esc', what: 'close what is open' },
  { keys: '?', what: 'these keys' },
];
