import { useEffect, useRef, useState } from 'preact/hooks';
import { visibleLines } from './windowing.ts';

/** Fewer rows than that are all drawn. */
const whole = 80;

/** Which rows of a long list are drawn: those on the screen of a page that scrolls as a whole, with some above and below. `ref` goes to the element whose top is the first row's. */
export function useWindowedRows<E extends HTMLElement>(count: number, rowHeight: number) {
  const ref = useRef<E>(null);
  const [place, setPlace] = useState({ top: 0, height: window.innerHeight });
  const long = count > whole;
  useEffect(() => {
    if (!long) return;
    const look = (): void => {
      const top = Math.max(0, -(ref.current?.getBoundingClientRect().top ?? 0));
      // A whole row at a time: the page is drawn anew for no less.
      setPlace((before) => {
        const next = { top: Math.floor(top / rowHeight) * rowHeight, height: window.innerHeight };
        return next.top === before.top && next.height === before.height ? before : next;
      });
    };
    look();
    window.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      window.removeEventListener('scroll', look);
      window.removeEventListener('resize', look);
    };
  }, [long, rowHeight]);
  const { first, end } = long ? visibleLines(count, rowHeight, place.top, place.height) : { first: 0, end: count };
  return { ref, first, end, above: first * rowHeight, below: (count - end) * rowHeight };
}
