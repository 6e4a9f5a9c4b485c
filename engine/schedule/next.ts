import type { ScheduleConfig } from '../config.ts';

/** The next `count` fires of a schedule after `afterMs`, rising, each in ISO 8601 with its zone's offset then (`2026-03-08T03:30:00-04:00`). For display: which fires count is decided elsewhere. */
export async function nextFires(schedule: ScheduleConfig, afterMs: number, count: number): Promise<string[]> {
  const { CronExpressionParser } = await import('cron-parser');
  const fires: string[] = [];
  let last = afterMs;
  const expression = CronExpressionParser.parse(schedule.cron, { currentDate: new Date(afterMs), tz: schedule.timezone });
  for (let tries = 0; fires.length < count && tries < count * 4; tries += 1) {
    if (!expression.hasNext()) break;
    const at = expression.next().getTime();
    if (at <= last) continue;
    last = at;
    fires.push(zoned(at, schedule.timezone));
  }
  return fires;
}

/** A moment as ISO 8601 with the offset that the zone has then. */
export function zoned(atMs: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(atMs);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? '00';
  const local = `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
  const minutes = Math.round((Date.parse(`${local}Z`) - Math.floor(atMs / 1000) * 1000) / 60_000);
  if (minutes === 0) return `${local}Z`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
