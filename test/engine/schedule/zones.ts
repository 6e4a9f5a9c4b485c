import { readCron } from '../../../engine/schedule/cron.ts';
import { type Change, dayMs, zoneOf } from '../../../engine/schedule/zone.ts';
import type { Random } from '../../../generators/random.ts';
import { slowFires, slowRule, type WallMinute, wallMinutes } from './slow-cron.ts';

/** A stretch of time in a zone. */
export interface Stretch {
  readonly zone: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Two days before and after each change of the clocks of a zone in these years, the last one not included. */
export function stretchesOf(zone: string, fromYear: number, toYear: number): readonly Stretch[] {
  const changes: readonly Change[] = zoneOf(zone).changesBetween(Date.UTC(fromYear, 0, 1), Date.UTC(toYear, 0, 1));
  return changes.map(({ atMs }) => ({ zone, fromMs: atMs - 2 * dayMs, toMs: atMs + 2 * dayMs }));
}

/** Schedules of all kinds: fixed times, lists, steps, days of the month and of the week. */
export function randomCron(random: Random): string {
  const field = (low: number, high: number, kinds: readonly string[]): string => {
    const one = (): number => low + random.below(high - low + 1);
    const kind = random.pick(kinds);
    if (kind === 'step') return `*/${random.pick([2, 3, 5, 7, 10, 15, 20, 30].filter((n) => n <= high))}`;
    if (kind === 'list') return [...new Set([one(), one(), one()])].sort((a, b) => a - b).join(',');
    if (kind === 'range') {
      const [a, b] = [one(), one()].sort((x, y) => x - y);
      return `${a}-${b}`;
    }
    return kind === 'one' ? String(one()) : '*';
  };
  const minute = field(0, 59, ['one', 'one', 'one', 'list', 'range', 'step', 'all']);
  const hour = field(0, random.below(2) === 0 ? 4 : 23, ['one', 'one', 'list', 'range', 'step', 'all']);
  const day = random.below(4) === 0 ? field(1, 28, ['one', 'list', 'range', 'step']) : '*';
  const weekday = random.below(4) === 0 ? field(0, 6, ['one', 'list', 'range']) : '*';
  return `${minute} ${hour} ${day} * ${weekday}`;
}

/** What is wrong with a schedule's fires in a stretch, beside the slow clock's; empty when nothing is. */
export function wrongFires(cron: string, { zone, fromMs, toMs }: Stretch, minutes: readonly WallMinute[]): readonly string[] {
  const dst = { gap: 'after', fold: 'once' } as const;
  const quick = readCron({ cron, timezone: zone, dst });
  const fires: number[] = [];
  // The slow clock knows nothing of what came before its first minutes.
  const settledMs = fromMs + dayMs / 4;
  for (let at = quick.next(settledMs - 1); at !== undefined && at < toMs; at = quick.next(at)) fires.push(at);
  const right = slowFires(slowRule(cron, dst), minutes).filter((at) => at >= settledMs);
  const wrong: string[] = [];
  const show = (at: number | undefined): string => (at === undefined ? 'nothing' : new Date(at).toISOString());
  const odd = Array.from({ length: Math.max(fires.length, right.length) }, (_, i) => i).find((i) => fires[i] !== right[i]);
  if (odd !== undefined) wrong.push(`${zone} ${cron}: ${show(fires[odd])} in place of ${show(right[odd])}`);
  if (fires.some((at, i) => i > 0 && at <= (fires[i - 1] ?? 0))) wrong.push(`${zone} ${cron}: does not rise`);
  return wrong;
}

/** The minutes of a stretch, walked once for all schedules. */
export function minutesOf({ zone, fromMs, toMs }: Stretch): readonly WallMinute[] {
  return wallMinutes(zone, fromMs, toMs);
}

/** The longest time between two fires of a job of every hour, in minutes. */
export function longestHour(minute: number, { zone, fromMs, toMs }: Stretch): number {
  const cron = readCron({ cron: `${minute} * * * *`, timezone: zone, dst: { gap: 'after', fold: 'once' } });
  let longest = 0;
  for (let at = cron.next(fromMs), next = at; at !== undefined && at < toMs; at = next) {
    next = cron.next(at);
    longest = Math.max(longest, ((next ?? at) - at) / 60_000);
  }
  return longest;
}

/** Local days of a stretch on which a fixed time did not fire exactly once. A time that a gap at the end of a day leaves out fires at the next midnight, and is still of its own day. */
export function oddDays(hour: number, minute: number, { zone, fromMs, toMs }: Stretch): readonly string[] {
  const cron = readCron({ cron: `${minute} ${hour} * * *`, timezone: zone, dst: { gap: 'after', fold: 'once' } });
  const days = new Map<string, number>();
  const date = (localMs: number): string => new Date(localMs).toISOString().slice(0, 10);
  const dayOf = (at: number): string => date(zoneOf(zone).local(at));
  const own = (hour * 60 + minute) * 60_000;
  const dayMeant = (at: number): string => {
    if (zoneOf(zone).local(at) % dayMs === own) return dayOf(at);
    const gapFrom = zoneOf(zone).local(at - 60_000) + 60_000;
    const time = Math.floor(gapFrom / dayMs) * dayMs + own;
    return date(time >= gapFrom ? time : time + dayMs);
  };
  for (let at = fromMs; at < toMs; at += dayMs / 4) days.set(dayOf(at), 0);
  const [first, last] = [dayOf(fromMs), dayOf(toMs - 1)];
  for (let at = cron.next(fromMs - 2 * dayMs); at !== undefined && at < toMs + 2 * dayMs; at = cron.next(at)) {
    const day = dayMeant(at);
    if (days.has(day)) days.set(day, (days.get(day) ?? 0) + 1);
  }
  return [...days]
    .filter(([day, times]) => day > first && day < last && times !== 1)
    .map(([day, times]) => `${zone} ${day}: ${times} times`);
}
