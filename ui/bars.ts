import type { RunBrief } from '../engine/run.ts';
import { lookOf, type Tone } from './states.ts';

/** Of a row of bars, in pixels: from one to the next, how wide one is, how high the highest, how many there is room for. */
export const barRoom = { step: 6, width: 5, height: 20, most: 30 } as const;

/** What is drawn of a bar, as paths of SVG. */
export interface BarShape {
  readonly filled: string;
  readonly drawn: string;
  readonly thin: string;
}

/** A run as a bar. */
export interface Bar extends BarShape {
  readonly run: RunBrief;
  readonly x: number;
}

/** The last runs, given the newest first, as bars from left to right, as high as they took; the shape says the state. */
export function barsOf(runs: readonly RunBrief[]): readonly Bar[] {
  const { step, height, most } = barRoom;
  const shown = runs.slice(0, most).reverse();
  const longest = Math.max(1, ...shown.map(({ tookMs = 0 }) => tookMs));
  return shown.map((run, index) => {
    const x = (most - shown.length + index) * step;
    const tall = Math.max(4, Math.round(((run.tookMs ?? longest) / longest) * (height - 2)));
    return { run, x, ...shapeOf(lookOf(run.state).shape, x, tall) };
  });
}

/** Bars of the same tone as one shape: thirty of them are a handful of elements. */
export function barsTogether(bars: readonly Bar[]): ReadonlyMap<Tone, BarShape> {
  const found = new Map<Tone, BarShape>();
  for (const { run, filled, drawn, thin } of bars) {
    const { tone } = lookOf(run.state);
    const of = found.get(tone) ?? { filled: '', drawn: '', thin: '' };
    found.set(tone, { filled: of.filled + filled, drawn: of.drawn + drawn, thin: of.thin + thin });
  }
  return found;
}

function shapeOf(shape: string, x: number, tall: number): BarShape {
  const { width, height } = barRoom;
  const none = { filled: '', drawn: '', thin: '' };
  switch (shape) {
    case 'dot':
      return { ...none, filled: box(x, width, tall) };
    case 'cross': {
      const stem = Math.max(0, tall - 8);
      return { ...none, filled: box(x + 1.5, 2, stem), drawn: `M${x} ${height - stem - 6.5}l5 5m0 -5l-5 5` };
    }
    case 'broken-ring': {
      const half = Math.max(1.5, (tall - 3) / 2);
      return { ...none, filled: `${box(x, width, half)}M${x} ${height - half - 3}v${-half}h${width}v${half}z` };
    }
    case 'square':
      return { ...none, filled: box(x, width, width) };
    default:
      return { ...none, thin: `M${x + 0.5} ${height - 0.5}v${1 - tall}h${width - 1}v${tall - 1}z` };
  }
}

/** From the ground up. */
function box(x: number, wide: number, tall: number): string {
  return `M${x} ${barRoom.height}v${-tall}h${wide}v${tall}z`;
}
