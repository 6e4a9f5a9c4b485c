/**
 * When a schedule fires, by a clock that is walked minute by minute, as a cron daemon does. Made without a look at `engine/schedule/cron.ts`: it knows no offsets and
 * no changes, only what the clock on the wall shows at each minute.
 */
export interface WallMinute {
  readonly atMs: number;
  /** What the wall clock shows, as ms of UTC. */
  readonly wallMs: number;
}

export interface SlowRule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  readonly bothDays: boolean;
  readonly wild: boolean;
  readonly hourly: boolean;
  readonly gap: 'after' | 'skip';
  readonly fold: 'once' | 'twice';
}

const minute = 60_000;
const smallJump = 3 * 60 * minute;

/** Each minute of real time from one instant on, with what the wall shows. */
export function wallMinutes(timezone: string, fromMs: number, toMs: number): readonly WallMinute[] {
  const show = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' });
  const minutes: WallMinute[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += minute)
    minutes.push({ atMs, wallMs: Date.parse(`${show.format(atMs).replace(' ', 'T')}:00Z`) });
  return minutes;
}

/** Reads the fields by hand: numbers, lists, ranges, steps and `*`. */
export function slowRule(cron: string, dst: Pick<SlowRule, 'gap' | 'fold'> = { gap: 'after', fold: 'once' }): SlowRule {
  const [m = '', h = '', d = '', mo = '', w = ''] = cron.split(' ');
  const set = (text: string, low: number, high: number): ReadonlySet<number> => {
    const found = new Set<number>();
    for (const piece of text.split(',')) {
      const [range = '', step = '1'] = piece.split('/');
      const [from, to] = range === '*' ? [low, high] : [Number(range.split('-')[0]), Number(range.split('-')[1] ?? range.split('-')[0])];
      for (let n = from; n <= to; n += Number(step)) found.add(n);
    }
    return found;
  };
  const weekdays = new Set([...set(w, 0, 7)].map((n) => (n === 7 ? 0 : n)));
  const star = (text: string): boolean => text[0] === '*';
  return {
    minutes: set(m, 0, 59),
    hours: set(h, 0, 23),
    days: set(d, 1, 31),
    months: set(mo, 1, 12),
    weekdays,
    bothDays: star(d) || star(w),
    wild: star(m) || star(h),
    hourly: set(h, 0, 23).size === 24 && d === '*' && mo === '*' && w === '*',
    ...dst,
  };
}

/** All fires among these minutes; the first of them only sets the clock. */
export function slowFires(rule: SlowRule, minutes: readonly WallMinute[]): readonly number[] {
  const fires: number[] = [];
  let covered = (minutes[0]?.wallMs ?? 0) - minute;
  let last: number | undefined;
  for (const { atMs, wallMs } of minutes) {
    let due = false;
    if (rule.wild) due = matches(rule, wallMs);
    else if (Math.abs(wallMs - covered) >= smallJump) {
      due = matches(rule, wallMs);
      covered = wallMs;
    } else if (wallMs > covered) {
      // After a gap all that it left out is made up for at once.
      const from = rule.gap === 'skip' ? wallMs : covered + minute;
      for (let seen = from; seen <= wallMs; seen += minute) due ||= matches(rule, seen);
      covered = wallMs;
    } else due = rule.fold === 'twice' && matches(rule, wallMs);
    if (due) {
      fires.push(atMs);
      last = atMs;
    } else if (rule.hourly && last !== undefined && atMs === last + 60 * minute) fires.push(atMs);
  }
  return fires;
}

function matches(rule: SlowRule, wallMs: number): boolean {
  const wall = new Date(wallMs);
  if (!rule.minutes.has(wall.getUTCMinutes()) || !rule.hours.has(wall.getUTCHours()) || !rule.months.has(wall.getUTCMonth() + 1))
    return false;
  const day = rule.days.has(wall.getUTCDate());
  const weekday = rule.weekdays.has(wall.getUTCDay());
  return rule.bothDays ? day && weekday : day || weekday;
}
