import { useState } from 'preact/hooks';

/** Which of some lines are open, by their names, and what opens or closes one. */
export function useOpened(): readonly [ReadonlySet<string>, (name: string) => void] {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (name: string): void => {
    const next = new Set(open);
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  return [open, toggle];
}
