import type { CatchupConfig, ScheduleConfig } from '../config.ts';
import type { ScheduleMark } from '../queue.ts';
import { readCron } from './cron.ts';
import { onTimeMs } from './late.ts';
import { type MissedSpan, mostCounted } from './left-out.ts';
import { dayMs } from './zone.ts';

/** What is known when it is asked which times of a pipeline are due. */
export interface DueQuestion {
  readonly schedules: readonly ScheduleConfig[];
  readonly catchup: CatchupConfig;
  /** undefined: the pipeline was never looked at. */
  readonly mark: ScheduleMark | undefined;
  readonly nowMs: number;
}

/** Which times are run for, oldest first, and which are not. */
export interface Due {
  readonly fires: readonly number[];
  /** Times that nobody will run for. */
  readonly missed: MissedSpan | undefined;
  readonly mark: ScheduleMark;
}

/**
 * What came due since a pipeline was last looked at. Nothing before that moment ever fires, so a pipeline that is new, and a schedule that is new or was changed, fires from
 * now on; those beside it that stayed as they were lose nothing. When the clock was set back, times are looked at again from there: those that were decided about are known by name (`Queue.decide`) and stay decided.
 */
export function dueFires({ schedules, catchup, mark, nowMs }: DueQuestion): Due {
  const now = { schedules: { list: schedules.map(plainSchedule) }, seenUntilMs: nowMs };
  const before = new Set(mark === undefined ? [] : schedulesIn(mark));
  const same = schedules.filter((schedule) => before.has(JSON.stringify(plainSchedule(schedule))));
  if (mark === undefined || same.length === 0) return { fires: [], missed: undefined, mark: now };
  const crons = same.map(readCron);
  const next = (afterMs: number): number | undefined => {
    const times = crons.map((cron) => cron.next(afterMs)).filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  };
  const between = (afterMs: number, untilMs: number, most: number): readonly number[] => {
    const found: number[] = [];
    for (let at = next(afterMs); at !== undefined && at <= untilMs && found.length < most; at = next(at)) found.push(at);
    return found;
  };
  const fromMs = Math.min(mark.seenUntilMs, nowMs);
  const punctual = between(Math.max(fromMs, nowMs - onTimeMs - 1), nowMs, mostCounted);
  const lateUntil = nowMs - onTimeMs - 1;
  const late = lateUntil > fromMs ? between(fromMs, lateUntil, mostCounted) : [];
  const lastLate = late.length < mostCounted ? late.at(-1) : newestBefore(next, fromMs, lateUntil);
  const fires = [...madeUpFor(), ...punctual];
  const missed = late.filter((at) => !fires.includes(at));
  const [firstMs] = missed;
  return {
    fires,
    missed:
      firstMs === undefined
        ? undefined
        : {
            count: missed.length,
            firstMs,
            lastMs: lastLate === undefined || fires.includes(lastLate) ? (missed.at(-1) ?? firstMs) : lastLate,
          },
    mark: now,
  };

  function madeUpFor(): readonly number[] {
    if (catchup === 'none' || lastLate === undefined) return [];
    if (catchup === 'latest') return punctual.length > 0 ? [] : [lastLate];
    const since = Math.max(fromMs, nowMs - catchup.windowMs - 1);
    if (since >= lateUntil) return [];
    const room = Math.max(0, catchup.max - punctual.length);
    return room === 0 ? [] : newestBetween(next, since, lateUntil, room);
  }
}

/** The next time at which a pipeline may come due; undefined when none will. */
export function nextDue(schedules: readonly ScheduleConfig[], afterMs: number): number | undefined {
  const times = schedules.map((schedule) => readCron(schedule).next(afterMs)).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The last time after one moment and not after another, found from its end. */
function newestBefore(next: (afterMs: number) => number | undefined, fromMs: number, untilMs: number): number | undefined {
  return newestBetween(next, fromMs, untilMs, 1)[0];
}

/** The last few, rising; looked for in longer and longer stretches from the end. */
function newestBetween(next: (afterMs: number) => number | undefined, fromMs: number, untilMs: number, count: number): readonly number[] {
  for (let stretch = count * 2 * 60_000; ; stretch *= 4) {
    const since = Math.max(fromMs, untilMs - stretch);
    const found: number[] = [];
    for (let at = next(since); at !== undefined && at <= untilMs; at = next(at)) found.push(at);
    if (found.length >= count || since === fromMs || stretch > 400 * dayMs * count) return found.slice(-count);
  }
}

/** The mark of a pipeline that has no schedule: one that it is given later fires from then on. */
export function markWithout(nowMs: number): ScheduleMark {
  return { schedules: { list: [] }, seenUntilMs: nowMs };
}

/** Whether these schedules were what was looked at. */
export function isMarkOf(mark: ScheduleMark | undefined, schedules: readonly ScheduleConfig[]): boolean {
  return (
    mark !== undefined && JSON.stringify(schedulesIn(mark)) === JSON.stringify(schedules.map((each) => JSON.stringify(plainSchedule(each))))
  );
}

/** As JSON texts; none for a pipeline that had none. */
export function schedulesIn({ schedules: { list } }: ScheduleMark): readonly string[] {
  return Array.isArray(list) ? list.map((schedule) => JSON.stringify(schedule)) : [];
}

function plainSchedule({ cron, timezone, dst }: ScheduleConfig): { cron: string; timezone: string; gap: string; fold: string } {
  return { cron, timezone, gap: dst.gap, fold: dst.fold };
}
