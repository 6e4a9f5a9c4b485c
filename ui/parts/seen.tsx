import type { ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** So far beyond the screen it is drawn already. */
const margin = '600px 0px';

interface Props {
  /** In pixels: the place that it takes before it is drawn. */
  readonly width: number;
  readonly height: number;
  readonly children: () => ComponentChild;
}

/** Draws what is costly once it comes near the screen: hundreds of lines open as fast as ten. */
export function Seen({ width, height, children }: Props) {
  const place = useRef<SVGSVGElement>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    whenNear.set(element, () => setNear(true));
    observer.observe(element);
    return () => {
      observer.unobserve(element);
      whenNear.delete(element);
    };
  }, []);
  if (near) return children();
  return <svg class="bars" ref={place} width={width} height={height} aria-hidden="true" />;
}

const whenNear = new WeakMap<Element, () => void>();
/** One for all of them. */
const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) whenNear.get(target)?.();
  },
  { rootMargin: margin },
);
