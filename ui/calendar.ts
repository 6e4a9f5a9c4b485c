import type { FireBucket, FireState, SchedulePage } from '../engine/api-schedule.ts';
import { countText } from './figures.ts';
import { lookOf } from './states.ts';
import { isoInZone } from './times.ts';

export type CalendarView = 'day' | 'week';

/** What an address asks for: so many local days from a date on, by hours or days. */
export interface CalendarRange {
  readonly view: CalendarView;
  readonly from: string;
  readonly days: number;
  readonly step: 'hour' | 'day';
  /** The dates that `previous` and `next` lead to. */
  readonly before: string;
  readonly after: string;
}

/** The range of an address; what makes no sense in it is as if it were not there. A week begins on Monday. */
export function calendarRange(query: URLSearchParams, today: string): CalendarRange {
  const view = query.get('view') === 'week' ? 'week' : 'day';
  const given = query.get('from') ?? '';
  const date = isDate(given) ? given : today;
  const days = view === 'week' ? 7 : 1;
  const from = view === 'week' ? shiftDate(date, -((weekday(date) + 6) % 7)) : date;
  return { view, from, days, step: view === 'week' ? 'day' : 'hour', before: shiftDate(from, -days), after: shiftDate(from, days) };
}

/** The address of a range; today's is the shortest. */
export function calendarPath(view: CalendarView, from?: string): string {
  const query = new URLSearchParams({ ...(from === undefined ? {} : { from }), ...(view === 'day' ? {} : { view }) }).toString();
  return `/schedule${query === '' ? '' : `?${query}`}`;
}

/** A local date, `2026-11-23`. */
export function dateIn(atMs: number, zone: string): string {
  return isoInZone(atMs, zone).slice(0, 10);
}

export function shiftDate(date: string, days: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

function isDate(text: string): boolean {
  return /^(19|20|21)\d\d-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && shiftDate(text, 0) === text;
}

function weekday(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Mon 23 Nov`. */
export function dateText(date: string): string {
  return `${weekdays[weekday(date)] ?? ''} ${Number(date.slice(8))} ${months[Number(date.slice(5, 7)) - 1] ?? ''}`;
}

/** Over a stretch: `14` for an hour (`13:30` where it does not begin at a whole one), `Mon 23 Nov` for a day. */
export function edgeText(edge: string, step: 'hour' | 'day', zone: string): string {
  const local = isoInZone(Date.parse(edge), zone);
  if (step === 'day') return dateText(local.slice(0, 10));
  return local.slice(14, 16) === '00' ? local.slice(11, 13) : local.slice(11, 16);
}

/** A stretch in words: `Mon 23 Nov 14:00 to 15:00`, or its date. */
export function stretchText({ edges, step, zone }: Pick<SchedulePage, 'edges' | 'step' | 'zone'>, index: number): string {
  const [from, to] = [edges[index], edges[index + 1]].map((edge) => isoInZone(Date.parse(edge ?? ''), zone));
  if (from === undefined || to === undefined) return '';
  const date = dateText(from.slice(0, 10));
  return step === 'day' ? date : `${date} ${from.slice(11, 16)} to ${to.slice(11, 16)}`;
}

/** How far into its stretch a moment is, 0 to 1; undefined where it lies in none. */
export function nowIn(edges: readonly string[], atMs: number): { readonly index: number; readonly share: number } | undefined {
  const ms = edges.map((edge) => Date.parse(edge));
  const index = ms.findLastIndex((edge) => edge <= atMs);
  const [from, to] = [ms[index], ms[index + 1]];
  return from === undefined || to === undefined ? undefined : { index, share: (atMs - from) / (to - from) };
}

/** What somebody has to see first comes first. */
const order: readonly FireState[] = [
  'failed',
  'missed',
  'interrupted',
  'undecided',
  'running',
  'queued',
  'cancelled',
  'skipped',
  'succeeded',
  'ran',
  'next',
];

/** The lines of a cell, the worst first. */
export function bucketParts({ counts }: Pick<FireBucket, 'counts'>): readonly { readonly state: FireState; readonly count: number }[] {
  return order.flatMap((state) => (counts[state] === undefined ? [] : [{ state, count: counts[state] }]));
}

/** A cell in words: `3 succeeded, 1 missed, 2 late`. */
export function bucketText(bucket: Pick<FireBucket, 'counts' | 'late'>): string {
  const parts = bucketParts(bucket).map(({ state, count }) => `${countText(count)} ${lookOf(state).word}`);
  return [...parts, ...(bucket.late === 0 ? [] : [`${countText(bucket.late)} late`])].join(', ');
}

/** Whether somebody may have to look at it. */
export function needsLook({ counts, late }: Pick<FireBucket, 'counts' | 'late'>): boolean {
  return late > 0 || (['failed', 'missed', 'interrupted', 'undecided'] as const).some((state) => (counts[state] ?? 0) > 0);
}
