import { useEffect, useState } from 'preact/hooks';

/** Whether the screen is that of a phone; the width is that of `@media` in the style sheets. */
export const narrow = window.matchMedia('(max-width: 720px)');

/** `narrow`, as it changes. */
export function useNarrow(): boolean {
  const [is, setIs] = useState(narrow.matches);
  useEffect(() => {
    const look = (): void => setIs(narrow.matches);
    look();
    narrow.addEventListener('change', look);
    return () => narrow.removeEventListener('change', look);
  }, []);
  return is;
}
