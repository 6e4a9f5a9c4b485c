import { setImmediate } from 'node:timers/promises';
import type { FireBucket, FireState } from '../api-schedule.ts';
import type { PipelineConfig, ScheduleConfig } from '../config.ts';
import type { EntryState, FireCount, Queue, ScheduleMark } from '../queue.ts';
import type { RunState } from '../run.ts';
import { stretchOf } from './days.ts';
import { isMarkOf } from './due.ts';
import { onTimeMs } from './late.ts';
import { type MissedSpan, missedSpan, mostCounted, needsNobody, tellsOfSeveral } from './left-out.ts';
import { countTimes } from './times.ts';

/** So many reasons that tell of several times are looked at for each pipeline. */
export const mostSpans = 50;

/** What became of a time that was decided about. Pure. */
export function fireState(state: EntryState, run: RunState | undefined, missed: boolean): FireState {
  if (state === 'skipped') return missed ? 'missed' : 'skipped';
  if (state !== 'started') return state;
  return run === undefined ? 'ran' : run === 'queued' ? 'running' : run;
}

/** Times of these pipelines in each stretch: what became of those that were decided about by the queue, all others by the schedules themselves. Rows without a time in any stretch have no bucket. */
export async function readCalendar(
  queue: Queue,
  pipelines: readonly PipelineConfig[],
  edges: readonly number[],
  nowMs: number,
): Promise<ReadonlyMap<string, readonly FireBucket[]>> {
  const names = pipelines.map(({ name }) => name);
  const [fromMs = 0] = edges;
  const [counts, several, marks] = await Promise.all([
    queue.fireCounts({
      pipelines: pipelines.map(({ name, alerts }) => ({ name, lateAfterMs: alerts.lateAfterMs })),
      edges,
      nowMs,
      onTimeMs,
      needsNobody,
    }),
    queue.leftOutSaying({ pipelines: names, text: tellsOfSeveral, fromMs, limit: mostSpans }),
    queue.marks(),
  ]);
  const decided = byPipeline(counts);
  const spans = byPipeline(several);
  const coming = new Map<string, readonly number[]>();
  const rows = new Map<string, readonly FireBucket[]>();
  for (const { name, schedules } of pipelines) {
    const mark = marks.get(name);
    const key = JSON.stringify([schedules, Math.max(nowMs, seenUntil(mark))]);
    const next = coming.get(key) ?? (await countEach(schedules, edges, Math.max(nowMs, seenUntil(mark)), Number.POSITIVE_INFINITY));
    coming.set(key, next);
    const made = makeBuckets(edges.length - 1);
    addDecided(made, decided.get(name) ?? []);
    for (const entry of spans.get(name) ?? []) await addMissed(made, schedules, missedSpan(entry.reason), edges);
    addCounts(made, 'next', next);
    if (isMarkOf(mark, schedules)) addCounts(made, 'undecided', await countEach(schedules, edges, seenUntil(mark), nowMs));
    rows.set(
      name,
      made.filter(({ counts }) => Object.keys(counts).length > 0),
    );
  }
  return rows;
}

function byPipeline<T extends { readonly pipeline: string }>(all: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const of = found.get(one.pipeline);
    if (of === undefined) found.set(one.pipeline, [one]);
    else of.push(one);
  }
  return found;
}

type Making = { -readonly [K in keyof FireBucket]: FireBucket[K] } & { counts: { [state in FireState]?: number } };

function makeBuckets(count: number): readonly Making[] {
  return Array.from({ length: count }, (_, index) => ({ index, counts: {}, late: 0 }));
}

function addDecided(made: readonly Making[], counts: readonly FireCount[]): void {
  for (const { index, state, run, missed, late, count } of counts) {
    const bucket = made[index];
    if (bucket === undefined) continue;
    add(bucket, fireState(state, run, missed), count);
    if (late) bucket.late += count;
  }
}

function addCounts(made: readonly Making[], state: FireState, counts: readonly number[]): void {
  for (const [index, count] of counts.entries()) {
    const bucket = made[index];
    if (bucket !== undefined && count > 0) add(bucket, state, count);
  }
}

/** The row of the last one is counted already. Where the schedules are others by now, nobody knows any more when the rest of them were: they are counted with it. */
async function addMissed(
  made: readonly Making[],
  schedules: readonly ScheduleConfig[],
  span: MissedSpan | undefined,
  edges: readonly number[],
): Promise<void> {
  if (span === undefined) return;
  if (isSpanOf(schedules, span)) addCounts(made, 'missed', await countEach(schedules, edges, span.firstMs - 1, span.lastMs - 1));
  else {
    const bucket = made[stretchOf(edges, span.lastMs)];
    if (bucket !== undefined) add(bucket, 'missed', span.count - 1);
  }
}

/** Whether the times that a reason tells of are those of these schedules. */
export function isSpanOf(schedules: readonly ScheduleConfig[], { count, firstMs, lastMs }: MissedSpan): boolean {
  const found = countTimes(schedules, firstMs - 1, lastMs);
  return count < mostCounted ? found === count : found >= count;
}

/** Times in each stretch that come after the one moment and not after the other. Others are answered in between: two schedules of every minute take a while. */
async function countEach(
  schedules: readonly ScheduleConfig[],
  edges: readonly number[],
  afterMs: number,
  untilMs: number,
): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const [i, edge] of edges.slice(0, -1).entries()) {
    const from = Math.max(afterMs, edge - 1);
    const until = Math.min(untilMs, (edges[i + 1] ?? edge) - 1);
    if (from < until && schedules.length > 1) await setImmediate();
    counts.push(from < until ? countTimes(schedules, from, until) : 0);
  }
  return counts;
}

function add({ counts }: Making, state: FireState, count: number): void {
  if (count > 0) counts[state] = (counts[state] ?? 0) + count;
}

/** Up to when was decided; 0: never. */
export function seenUntil(mark: ScheduleMark | undefined): number {
  return mark?.seenUntilMs ?? 0;
}
