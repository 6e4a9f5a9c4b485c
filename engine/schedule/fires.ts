import type { Fire, FireState } from '../api-schedule.ts';
import { durationText } from '../base/duration.ts';
import type { PipelineConfig } from '../config.ts';
import type { EntryRecord, Queue } from '../queue.ts';
import { fireState, isSpanOf, mostSpans, seenUntil } from './calendar.ts';
import { isMarkOf } from './due.ts';
import { beganLate, tookTooLong } from './late.ts';
import { isMissed, missedSpan, tellsOfSeveral } from './left-out.ts';
import { daysOfChange, zoned } from './next.ts';
import { timesBetween } from './times.ts';

/** Times of one pipeline from the one moment on and before the other, rising, at most `limit`; `nextMs`: where the rest begins. They are the ones that `readCalendar` counts. */
export async function readFires(
  queue: Queue,
  pipeline: PipelineConfig,
  { fromMs, untilMs, limit, nowMs }: { readonly fromMs: number; readonly untilMs: number; readonly limit: number; readonly nowMs: number },
): Promise<{ readonly fires: readonly Fire[]; readonly nextMs: number | undefined }> {
  const { name, schedules } = pipeline;
  const [records, several, marks] = await Promise.all([
    queue.fires({ pipeline: name, fromMs, untilMs, limit: limit + 1 }),
    queue.leftOutSaying({ pipelines: [name], text: tellsOfSeveral, fromMs, limit: mostSpans }),
    queue.marks(),
  ]);
  const fires = new Map<number, Fire>();
  const between = (state: FireState, afterMs: number, lastMs: number, reason?: string): void => {
    for (const atMs of timesBetween(schedules, Math.max(afterMs, fromMs - 1), Math.min(lastMs, untilMs - 1), limit + 1))
      if (!fires.has(atMs)) fires.set(atMs, bare(pipeline, atMs, state, reason));
  };
  for (const record of records) {
    const fire = decided(pipeline, record, nowMs);
    if (fire !== undefined) fires.set(Date.parse(fire.at), fire);
  }
  for (const { reason } of several) {
    const span = missedSpan(reason);
    if (span !== undefined && isSpanOf(schedules, span)) between('missed', span.firstMs - 1, span.lastMs - 1, reason);
  }
  const mark = marks.get(name);
  if (isMarkOf(mark, schedules)) between('undecided', seenUntil(mark), nowMs, 'no daemon has looked at it yet');
  between('next', Math.max(nowMs, seenUntil(mark)), untilMs - 1);
  const all = [...fires].sort(([a], [b]) => a - b);
  return { fires: all.slice(0, limit).map(([, fire]) => fire), nextMs: all[limit]?.[0] };
}

function decided(pipeline: PipelineConfig, { entry, run }: EntryRecord, nowMs: number): Fire | undefined {
  if (entry.scheduledAt === undefined) return undefined;
  const atMs = Date.parse(entry.scheduledAt);
  return {
    ...bare(pipeline, atMs, fireState(entry.state, run?.state, isMissed(entry.reason)), entry.reason),
    ...(run === undefined ? {} : { run: { runId: run.runId, state: run.state, startedAt: run.startedAt, endedAt: run.endedAt } }),
    afterMs: run === undefined ? undefined : Date.parse(run.startedAt) - atMs,
    late: whyLate(pipeline, { entry, run }, atMs, nowMs),
  };
}

function whyLate(
  { alerts: { lateAfterMs } }: PipelineConfig,
  { entry, run }: EntryRecord,
  atMs: number,
  nowMs: number,
): string | undefined {
  const notedMs = Date.parse(entry.notedAt);
  const reasons: string[] = [];
  if (run !== undefined && beganLate(atMs, Date.parse(run.startedAt)))
    reasons.push(`began ${durationText(Date.parse(run.startedAt) - atMs)} after its time`);
  const untilMs =
    run !== undefined ? Date.parse(run.endedAt ?? new Date(nowMs).toISOString()) : entry.state === 'queued' ? nowMs : undefined;
  if (untilMs !== undefined && lateAfterMs !== undefined && tookTooLong(notedMs, untilMs, lateAfterMs))
    reasons.push(
      `${run === undefined ? 'has waited' : 'took'} ${durationText(untilMs - notedMs)}, longer than ${durationText(lateAfterMs)}`,
    );
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

function bare({ schedules }: PipelineConfig, atMs: number, state: FireState, reason: string | undefined): Fire {
  const zones = [...new Set(schedules.map(({ timezone }) => timezone))];
  return {
    at: new Date(atMs).toISOString(),
    state,
    reason,
    run: undefined,
    afterMs: undefined,
    late: undefined,
    local: zones.map((timezone) => {
      const at = zoned(atMs, timezone);
      return { timezone, at, clocksSet: daysOfChange([at], timezone).length > 0 };
    }),
  };
}
