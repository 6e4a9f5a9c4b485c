import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** What may be wider than the screen: then it scrolls by itself, and the keyboard reaches it. `label` says what is in it. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [wider, setWider] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setWider(element.scrollWidth > element.clientWidth);
    const observer = new ResizeObserver(look);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  const reached = wider ? ({ tabIndex: 0, role: 'group', 'aria-label': label } as const) : {};
  return (
    <div class="scroll" ref={box} {...reached}>
      {children}
    </div>
  );
}
