import { watched } from './watched.ts';

export type Theme = 'system' | 'light' | 'dark';

const key = 'theme';

/** A browser that keeps nothing refuses even to be asked: then a choice holds for as long as the page is open. */
function kept<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

function saved(): Theme {
  const theme = kept(() => window.localStorage.getItem(key));
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** What the reader chose; `system` follows the system. */
export const theme = watched<Theme>(saved());

function apply(): void {
  const chosen = theme.get();
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

/** Applies the choice, and keeps it for the next time. */
export function keepTheme(): void {
  apply();
  theme.watch(() => {
    kept(() => window.localStorage.setItem(key, theme.get()));
    apply();
  });
}
