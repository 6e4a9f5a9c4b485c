import { watched } from './watched.ts';

export type Theme = 'system' | 'light' | 'dark';

const key = 'theme';

function saved(): Theme {
  const theme = window.localStorage.getItem(key);
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
    window.localStorage.setItem(key, theme.get());
    apply();
  });
}
