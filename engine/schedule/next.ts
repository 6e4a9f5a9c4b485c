import type { ScheduleConfig } from '../config.ts';
import { dayMs, minuteMs, zoneOf } from './zone.ts';

/** The next `count` fires of a schedule after `afterMs`, rising, each in ISO 8601 with its zone's offset then (`2026-03-08T03:30:00-04:00`). */
export async function nextFires(schedule: ScheduleConfig, afterMs: number, count: number): Promise<string[]> {
  const { readCron } = await import('./cron.ts');
  const cron = readCron(schedule);
  const fires: string[] = [];
  for (let at = cron.next(afterMs); at !== undefined && fires.length < count; at = cron.next(at)) fires.push(zoned(at, schedule.timezone));
  return fires;
}

/** The local dates (`2026-03-08`) among these fires, as `nextFires` gives them, on which the clocks of their zone are set. */
export function daysOfChange(fires: readonly string[], timezone: string): readonly string[] {
  const zone = zoneOf(timezone);
  const isChangeDay = (date: string): boolean => {
    const noon = Date.parse(`${date}T12:00:00Z`);
    const middle = noon - zone.offsetAt(noon);
    return zone.changesBetween(middle - dayMs, middle + dayMs).some(({ atMs, shiftMs }) => {
      const shown = [atMs + zone.offsetAt(atMs), atMs + zone.offsetAt(atMs) - shiftMs];
      return shown.some((local) => new Date(local).toISOString().startsWith(date));
    });
  };
  return [...new Set(fires.map((fire) => fire.slice(0, 10)))].filter(isChangeDay);
}

/** A moment as ISO 8601 with the offset that the zone has then. */
export function zoned(atMs: number, timezone: string): string {
  const offset = Math.round(zoneOf(timezone).offsetAt(atMs) / minuteMs);
  const local = new Date(atMs + offset * minuteMs).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const size = Math.abs(offset);
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
