import type { ScheduleConfig } from '../config.ts';
import { type Cron, readCron } from './cron.ts';

/** How many times come due after the one instant and not after the other; a time that two schedules share comes once. */
export function countTimes(schedules: readonly ScheduleConfig[], afterMs: number, untilMs: number): number {
  // The one with most of them is counted, the others are looked at one by one.
  const crons = schedules
    .map((schedule) => ({ cron: readCron(schedule), count: readCron(schedule).count(afterMs, untilMs) }))
    .sort((a, b) => b.count - a.count);
  let total = crons[0]?.count ?? 0;
  for (const [i, { cron, count }] of crons.entries()) {
    if (i === 0 || count === 0) continue;
    const before = crons.slice(0, i);
    for (let at = cron.next(afterMs); at !== undefined && at <= untilMs; at = cron.next(at))
      if (!before.some((other) => isTimeOf(other.cron, at))) total += 1;
  }
  return total;
}

/** The first times after the one instant and not after the other, rising, at most so many. */
export function timesBetween(schedules: readonly ScheduleConfig[], afterMs: number, untilMs: number, most: number): readonly number[] {
  const crons = schedules.map(readCron);
  const next = (after: number): number => Math.min(...crons.map((cron) => cron.next(after) ?? Number.POSITIVE_INFINITY));
  const found: number[] = [];
  for (let at = next(afterMs); at <= untilMs && found.length < most; at = next(at)) found.push(at);
  return found;
}

function isTimeOf(cron: Cron, atMs: number): boolean {
  return cron.next(atMs - 1) === atMs;
}
