import { type CronFieldRule, cronFields, readCronField } from '../base/cron-field.ts';
import type { DstConfig, ScheduleConfig } from '../config.ts';
import { type Change, dayMs, type LocalMs, minuteMs, type Zone, zoneOf } from './zone.ts';

/**
 * When a schedule fires, by cron(8) of Debian:
 *
 * - Minute and hour without `*` in front: a fixed time. One that the clocks leave out fires right after the gap (`gap: after`), one that they show twice fires
 *   the first time (`fold: once`). A change of three hours or more is no daylight saving: what it leaves out is left out.
 * - `*` in front of the minute or the hour (also as a step): the schedule follows real time, so it fires whenever the clocks show a time of its own.
 * - Day of the month and of the week: both must agree when one begins with `*`, else one is enough.
 *
 * Beyond cron(8): where clocks are set by half an hour, a job of every hour fires at the latest an hour after its last.
 */
export interface Cron {
  /** The first fire after that instant, in ms since the epoch at a whole minute; undefined when there is none within 60 years. Always above `afterMs`. */
  next(afterMs: number): number | undefined;
  /** How many fires come after the one instant and not after the other, as `next` finds them; days on which no clock is set are counted without finding each. */
  count(afterMs: number, untilMs: number): number;
}

interface Fields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  readonly bothDays: boolean;
  readonly wild: boolean;
  /** Fires in every hour of every day, with waits that a change of the clocks could make longer than an hour. */
  readonly hourly: boolean;
}

/** A longer change of the clocks is none that cron(8) makes up for. */
const longestShiftMs = 3 * 3_600_000;
/** Within it every 29 February comes on every weekday. */
const horizonDays = 60 * 366;
const hourMs = 3_600_000;
const daysKept = 8;
/** In minutes: with 45 more, the most that a change of the clocks is beside whole hours, it is an hour. */
const shortWait = 15;

const known = new WeakMap<ScheduleConfig, Cron>();

/** Reads a checked expression (`engine/load/cron.ts`), once for each schedule. Throws when it is none. */
export function readCron(schedule: ScheduleConfig): Cron {
  const cron = known.get(schedule) ?? makeCron(schedule);
  known.set(schedule, cron);
  return cron;
}

function makeCron(schedule: ScheduleConfig): Cron {
  const fields = readFields(schedule.cron);
  const zone = zoneOf(schedule.timezone);
  const plain = searchDays(fields, zone, schedule.dst);
  const hourly = (afterMs: number): number | undefined => {
    const next = plain(afterMs);
    if (next === undefined || zone.offsetAt(afterMs - longestShiftMs) === zone.offsetAt(afterMs + longestShiftMs)) return next;
    // The last fire at or before: clocks are never set by so much that none was within three hours.
    let last: number | undefined;
    for (let at = plain(afterMs - longestShiftMs); at !== undefined && at <= afterMs; at = plain(at)) last = at;
    return last !== undefined && next - last > hourMs && last + hourMs > afterMs ? last + hourMs : next;
  };
  const next = fields.hourly ? hourly : plain;
  return { next, count: countDays(fields, zone, next) };
}

/** Counts day by day: by the fields where no change of the clocks is near, else fire by fire. */
function countDays(fields: Fields, zone: Zone, next: Cron['next']): Cron['count'] {
  return (afterMs, untilMs) => {
    let count = 0;
    for (let from = afterMs; from < untilMs; ) {
      const day = Math.floor(zone.local(from + 1) / dayMs) * dayMs;
      const isPlain = changesAround(zone, day).length === 0;
      const until = Math.min(untilMs, isPlain ? day + dayMs - 1 - zone.offsetAt(from + 1) : from + dayMs);
      if (!isPlain) for (let at = next(from); at !== undefined && at <= until; at = next(at)) count += 1;
      else if (matchesDay(fields, day)) count += countOf(fields, day - zone.offsetAt(from + 1), from, until);
      from = until;
    }
    return count;
  };
}

/** Fires of a day that begins at that instant and whose offset does not change. */
function countOf({ hours, minutes }: Fields, dayStartMs: number, afterMs: number, untilMs: number): number {
  let count = 0;
  for (const hour of hours) {
    const hourStartMs = dayStartMs + hour * hourMs;
    if (hourStartMs > afterMs && hourStartMs + hourMs <= untilMs) count += minutes.length;
    else if (hourStartMs <= untilMs && hourStartMs + hourMs > afterMs)
      count += minutes.filter((minute) => hourStartMs + minute * minuteMs > afterMs && hourStartMs + minute * minuteMs <= untilMs).length;
  }
  return count;
}

function readFields(text: string): Fields {
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = ''] = text.trim().split(/\s+/);
  const starred = (field: string): boolean => field.startsWith('*');
  const minutes = valuesOf(minuteText, cronFields.minute);
  const hours = valuesOf(hourText, cronFields.hour);
  const waits = minutes.map((m, i) => (minutes[i + 1] ?? (minutes[0] ?? 0) + 60) - m);
  return {
    minutes,
    hours,
    days: new Set(valuesOf(dayText, cronFields.day)),
    months: new Set(valuesOf(monthText, cronFields.month)),
    weekdays: new Set(valuesOf(weekdayText, cronFields.weekday).map((day) => day % 7)),
    bothDays: starred(dayText) || starred(weekdayText),
    wild: starred(minuteText) || starred(hourText),
    hourly:
      hours.length === 24 && [dayText, monthText, weekdayText].every((field) => field === '*') && waits.some((wait) => wait > shortWait),
  };
}

/** Rising. */
function valuesOf(text: string, rule: CronFieldRule): number[] {
  const values = readCronField(text, rule);
  if (typeof values === 'string') throw new RangeError(`the ${rule.name} ${values}`);
  return [...values].sort((a, b) => a - b);
}

function matchesDay(fields: Fields, dayStart: LocalMs): boolean {
  const date = new Date(dayStart);
  if (!fields.months.has(date.getUTCMonth() + 1)) return false;
  const [day, weekday] = [fields.days.has(date.getUTCDate()), fields.weekdays.has(date.getUTCDay())];
  return fields.bothDays ? day && weekday : day || weekday;
}

/** Finds fires day by day. Of days on which the clocks are set, all fires are made out once and kept while the search stays around there. */
function searchDays(fields: Fields, zone: Zone, dst: DstConfig): (afterMs: number) => number | undefined {
  const kept = new Map<LocalMs, readonly number[]>();
  const firesOn = (day: LocalMs): readonly number[] | undefined => {
    const known = kept.get(day);
    if (known !== undefined) return known;
    const changes = changesAround(zone, day);
    if (changes.length === 0) return undefined;
    if (kept.size > daysKept) kept.clear();
    const fires = allFires(fields, segmentsAround(zone, day, changes), dst, day);
    kept.set(day, fires);
    return fires;
  };
  return (afterMs) => {
    // A repeated midnight shows the day before once more.
    const today = Math.floor(zone.local(afterMs) / dayMs) * dayMs;
    for (let day = today - dayMs, last = today + horizonDays * dayMs; day <= last; day += dayMs) {
      if (!matchesDay(fields, day)) continue;
      const fires = firesOn(day);
      const fire = fires === undefined ? firstOf(fields, day, zone.offsetAt(day), afterMs) : fires.find((at) => at > afterMs);
      if (fire !== undefined) return fire;
    }
    return undefined;
  };
}

/** Looks this far around a local day for changes of the clocks that can touch it. */
const aroundMs = 1.5 * dayMs;

function changesAround(zone: Zone, day: LocalMs): readonly Change[] {
  const middle = day + dayMs / 2 - zone.offsetAt(day);
  return zone.offsetAt(middle - aroundMs) === zone.offsetAt(middle) && zone.offsetAt(middle) === zone.offsetAt(middle + aroundMs)
    ? []
    : zone.changesBetween(middle - aroundMs, middle + aroundMs);
}

/** On a day whose offset does not change. */
function firstOf({ hours, minutes }: Fields, day: LocalMs, offsetMs: number, afterMs: number): number | undefined {
  for (const hour of hours) {
    if (day + (hour + 1) * hourMs - offsetMs <= afterMs) continue;
    for (const minute of minutes) {
      const at = day + hour * hourMs + minute * minuteMs - offsetMs;
      if (at > afterMs) return at;
    }
  }
  return undefined;
}

/** A stretch of real time with one offset; the clocks are set by `shiftMs` where it begins. */
interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
  readonly shiftMs: number;
}

function segmentsAround(zone: Zone, day: LocalMs, changes: readonly Change[]): readonly Segment[] {
  const middle = day + dayMs / 2 - zone.offsetAt(day);
  const starts = [{ atMs: middle - 2 * aroundMs, shiftMs: 0 }, ...changes];
  return starts.map(({ atMs, shiftMs }, i) => ({
    fromMs: atMs,
    toMs: starts[i + 1]?.atMs ?? middle + 2 * aroundMs,
    offsetMs: zone.offsetAt(i === 0 ? middle - aroundMs : atMs),
    shiftMs,
  }));
}

/** Every fire of a local day, rising. */
function allFires(fields: Fields, segments: readonly Segment[], dst: DstConfig, day: LocalMs): readonly number[] {
  const fires = new Set<number>();
  for (const hour of fields.hours)
    for (const minute of fields.minutes)
      for (const at of firesOf(fields.wild, segments, dst, day + hour * hourMs + minute * minuteMs)) fires.add(at);
  return [...fires].sort((a, b) => a - b);
}

/** When a local time is a fire: whenever it is shown, but once where daylight saving shows it twice, and right after the gap where it leaves it out. */
function firesOf(wild: boolean, segments: readonly Segment[], dst: DstConfig, local: LocalMs): readonly number[] {
  const shown = segments.filter((s) => local - s.offsetMs >= s.fromMs && local - s.offsetMs < s.toMs).map((s) => local - s.offsetMs);
  const [first, second] = shown;
  if (first !== undefined)
    return wild || dst.fold === 'twice' || second === undefined || second - first >= longestShiftMs ? shown : [first];
  if (wild || dst.gap === 'skip') return [];
  return segments
    .filter((s) => s.shiftMs < longestShiftMs && local - s.offsetMs < s.fromMs && local - s.offsetMs >= s.fromMs - s.shiftMs)
    .map((s) => s.fromMs);
}
