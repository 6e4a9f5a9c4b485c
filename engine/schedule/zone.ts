/** Wall-clock time of a zone as milliseconds, as if it were UTC: 02:30 on 8 March 2026 is `Date.UTC(2026, 2, 8, 2, 30)`. */
export type LocalMs = number;

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** What a zone's clocks showed and show, by the tz database of Node.js. */
export interface Zone {
  /** Milliseconds to add to an instant to have its wall-clock time. */
  offsetAt(atMs: number): number;
  local(atMs: number): LocalMs;
  /** The instants from `fromMs` on and before `toMs` at which the offset changes, rising. */
  changesBetween(fromMs: number, toMs: number): readonly Change[];
}

/** Clocks are set by `shiftMs` at that instant: forward where it is above 0. */
export interface Change {
  readonly atMs: number;
  readonly shiftMs: number;
}

const zones = new Map<string, Zone>();

/** A zone by its IANA name. Throws RangeError for one that Node.js does not know. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const made = makeZone(name);
  zones.set(name, made);
  return made;
}

/** No two changes of a zone are closer: what lies between two looks at its offset is one change. */
const lookEveryMs = 6 * 3_600_000;

function makeZone(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsets = new Map<number, number>();
  const read = (atMs: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(atMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
  };
  const offsetAt = (atMs: number): number => {
    const key = Math.floor(atMs / minuteMs);
    const known = offsets.get(key);
    if (known !== undefined) return known;
    if (offsets.size > 4_096) offsets.clear();
    const offset = read(key * minuteMs);
    offsets.set(key, offset);
    return offset;
  };
  const changeWithin = (fromMs: number, toMs: number): Change => {
    let [before, after] = [Math.floor(fromMs / minuteMs), Math.floor(toMs / minuteMs)];
    const old = offsetAt(fromMs);
    while (after - before > 1) {
      const middle = before + Math.floor((after - before) / 2);
      if (offsetAt(middle * minuteMs) === old) before = middle;
      else after = middle;
    }
    return { atMs: after * minuteMs, shiftMs: offsetAt(after * minuteMs) - old };
  };
  const changesBetween = (fromMs: number, toMs: number): readonly Change[] => {
    const changes: Change[] = [];
    for (let at = fromMs; at < toMs; at += lookEveryMs) {
      const next = Math.min(at + lookEveryMs, toMs);
      if (offsetAt(at) !== offsetAt(next)) changes.push(changeWithin(at, next));
    }
    return changes.filter((change) => change.atMs < toMs);
  };
  return {
    offsetAt,
    local: (atMs) => atMs + offsetAt(atMs),
    changesBetween,
  };
}

/** The zones that Node.js knows. */
export function allZones(): readonly string[] {
  return Intl.supportedValuesOf('timeZone');
}
