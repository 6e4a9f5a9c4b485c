import type { NodeRun, Run } from '../engine/run.ts';

/** One bar on the axis: a try of a node, or the wait before its next one. `left` and `width` are parts of the axis, 0 to 1. */
export interface Bar {
  readonly kind: 'attempt' | 'wait';
  readonly attempt: number;
  readonly state: string;
  readonly left: number;
  readonly width: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** How time is laid out over a run's nodes. */
export interface TimeAxis {
  readonly fromMs: number;
  readonly spanMs: number;
  /** At round distances from the start, the first at 0. */
  readonly ticks: readonly { readonly atMs: number; readonly left: number }[];
  readonly bars: ReadonlyMap<string, readonly Bar[]>;
}

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000];
const hour = 3_600_000;

/** The round distance between ticks that gives at most six of them. */
export function tickStep(spanMs: number): number {
  const wanted = spanMs / 6;
  const step = steps.find((s) => s >= wanted);
  if (step !== undefined) return step;
  const hours = [0.5, 1, 2, 3, 6, 12].find((h) => h * hour >= wanted);
  return hours !== undefined ? hours * hour : Math.ceil(wanted / (24 * hour)) * 24 * hour;
}

/** How long a node was at work in all its attempts that have ended; undefined before the first has. */
export function tookMs({ attempts }: NodeRun): number | undefined {
  const ended = attempts.flatMap(({ startedAt, endedAt }) => (endedAt === undefined ? [] : [Date.parse(endedAt) - Date.parse(startedAt)]));
  return ended.length === 0 ? undefined : ended.reduce((sum, ms) => sum + ms, 0);
}

/** The axis of a run from its start to its end, or to now while it is at work. */
export function timeAxis(run: Run, nowMs: number): TimeAxis {
  const fromMs = Date.parse(run.startedAt);
  const last = run.endedAt === undefined ? nowMs : Date.parse(run.endedAt);
  const spanMs = Math.max(1, last - fromMs);
  const place = (atMs: number): number => Math.min(1, Math.max(0, (atMs - fromMs) / spanMs));
  const bar = (kind: Bar['kind'], attempt: number, state: string, from: number, to: number): Bar => {
    const left = place(from);
    return { kind, attempt, state, left, width: Math.max(0, place(to) - left), fromMs: from, toMs: to };
  };
  const bars = new Map(run.nodes.map((node) => [node.id, barsOf(node, last, bar)]));
  const step = tickStep(spanMs);
  const ticks: { atMs: number; left: number }[] = [];
  for (let atMs = 0; atMs <= spanMs; atMs += step) ticks.push({ atMs, left: atMs / spanMs });
  return { fromMs, spanMs, ticks, bars };
}

function barsOf(
  node: NodeRun,
  lastMs: number,
  bar: (kind: Bar['kind'], attempt: number, state: string, from: number, to: number) => Bar,
): Bar[] {
  return node.attempts.flatMap((attempt, index) => {
    const from = Date.parse(attempt.startedAt);
    const to = attempt.endedAt === undefined ? lastMs : Date.parse(attempt.endedAt);
    const next = node.attempts[index + 1];
    const failed = attempt.error !== undefined || next !== undefined;
    const state = attempt.endedAt === undefined ? 'running' : failed ? 'failed' : node.state;
    const bars = [bar('attempt', attempt.attempt, state, from, to)];
    const waitEnd = next !== undefined ? Date.parse(next.startedAt) : node.state === 'retrying' ? lastMs : undefined;
    if (attempt.endedAt !== undefined && waitEnd !== undefined) bars.push(bar('wait', attempt.attempt, 'retrying', to, waitEnd));
    return bars;
  });
}
