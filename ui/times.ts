import { spanText } from './figures.ts';

/** `in 4 m`, `4 m ago`, `now` for less than a second. */
export function relativeText(atMs: number, nowMs: number): string {
  const away = atMs - nowMs;
  if (Math.abs(away) < 1000) return 'now';
  return away > 0 ? `in ${spanText(away)}` : `${spanText(-away)} ago`;
}

interface Parts {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsIn(atMs: number, zone: string): Parts {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, format);
  }
  const found = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const of = (name: string): string => found[name] ?? '';
  return {
    year: of('year').padStart(4, '0'),
    month: of('month'),
    day: of('day'),
    hour: of('hour'),
    minute: of('minute'),
    second: of('second'),
  };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The shortest form that is still clear: `02:35` today, `24 Nov 02:35` within the year, `24 Nov 2025 02:35` otherwise. */
export function shortTime(atMs: number, nowMs: number, zone: string): string {
  const [at, now] = [partsIn(atMs, zone), partsIn(nowMs, zone)];
  const clock = `${at.hour}:${at.minute}`;
  if (at.year === now.year && at.month === now.month && at.day === now.day) return clock;
  const date = `${Number(at.day)} ${months[Number(at.month) - 1] ?? at.month}`;
  return at.year === now.year ? `${date} ${clock}` : `${date} ${at.year} ${clock}`;
}

/** `02:35:07.120`, for lines that come close after each other. */
export function clockTime(atMs: number, zone: string): string {
  const at = partsIn(atMs, zone);
  return `${at.hour}:${at.minute}:${at.second}.${String(((atMs % 1000) + 1000) % 1000).padStart(3, '0')}`;
}

/** `02:35:07.120468`, with every digit that the text has; with its date where that is not the day of `dayOf`: `8 Mar 02:35:07.120468`. */
export function exactTime(at: string, dayOf: string, zone: string): string {
  const [parts, day] = [partsIn(Date.parse(at), zone), partsIn(Date.parse(dayOf), zone)];
  const clock = `${parts.hour}:${parts.minute}:${parts.second}${/\.\d+/.exec(at)?.[0] ?? ''}`;
  if (parts.year === day.year && parts.month === day.month && parts.day === day.day) return clock;
  const date = `${Number(parts.day)} ${months[Number(parts.month) - 1] ?? parts.month}`;
  return parts.year === day.year ? `${date} ${clock}` : `${date} ${parts.year} ${clock}`;
}

/** ISO 8601 with the zone's offset then and its name: `2026-03-08T03:30:00-04:00 America/New_York`. */
export function isoInZone(atMs: number, zone: string): string {
  const at = partsIn(atMs, zone);
  const local = `${at.year}-${at.month}-${at.day}T${at.hour}:${at.minute}:${at.second}`;
  const offset = Math.round((Date.parse(`${local}Z`) - Math.floor(atMs / 1000) * 1000) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const size = Math.abs(offset);
  const shift = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${local}${shift} ${zone}`;
}

/** The whole time for the hover: in the zone, and in UTC where the clock there is another one: `2026-03-08T03:30:00-04:00 America/New_York, 2026-03-08T07:30:00Z`. */
export function wholeTime(atMs: number, zone: string): string {
  const local = isoInZone(atMs, zone);
  return sameClock(atMs, zone, 'UTC') ? local : `${local}, ${isoInZone(atMs, 'UTC').slice(0, 20)}`;
}

/** True when both zones show the same clock at that moment. */
export function sameClock(atMs: number, zone: string, other: string): boolean {
  return isoInZone(atMs, zone).slice(0, 19) === isoInZone(atMs, other).slice(0, 19);
}
