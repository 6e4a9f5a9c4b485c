import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { Fit } from '../log-wrap.ts';
import { narrow } from '../narrow.ts';

const letters = 40;
const fewest = 20;

/** How much of a line fits into the log in that frame, which has a `LogProbe` beside it; before that was measured, all of it. */
export function useLogFit(frame: RefObject<HTMLDivElement | null>): Fit {
  const [fit, setFit] = useState<Fit>({ columns: Number.POSITIVE_INFINITY, apart: false });
  useLayoutEffect(() => {
    const box = frame.current?.querySelector('.log-lines');
    const probe = frame.current?.querySelector('.log-probe');
    if (!(box instanceof HTMLElement) || !(probe instanceof HTMLElement)) return;
    const look = (): void => {
      const text = probe.querySelector('.log-text')?.getBoundingClientRect();
      if (text === undefined || text.width === 0) return;
      const room =
        box.clientWidth - (text.left - probe.getBoundingClientRect().left) - Number.parseFloat(getComputedStyle(probe).paddingRight);
      const next = { columns: Math.max(fewest, Math.floor((room * letters) / text.width)), apart: narrow.matches };
      setFit((before) => (before.columns === next.columns && before.apart === next.apart ? before : next));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box);
    observer.observe(probe);
    return () => observer.disconnect();
  }, [frame]);
  return fit;
}

/** A line that nobody sees, to measure by. */
export function LogProbe() {
  return (
    <div class="log-probe" aria-hidden="true">
      <span class="log-time" />
      <span class="log-level" />
      <span class="log-node" />
      <span class="log-text">{'0'.repeat(letters)}</span>
    </div>
  );
}
