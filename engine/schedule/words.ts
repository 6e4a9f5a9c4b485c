import { type CronFieldRule, cronFields, readCronField } from '../base/cron-field.ts';

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const nicknames: Readonly<Record<string, string>> = {
  '@yearly': 'every year',
  '@annually': 'every year',
  '@monthly': 'every month',
  '@weekly': 'every week',
  '@daily': 'every day at 00:00',
  '@midnight': 'every day at 00:00',
  '@hourly': 'every hour',
};

/** One field of an expression: its values, rising. */
interface Field {
  readonly text: string;
  readonly values: readonly number[];
  readonly all: boolean;
}

/** More times than these in a row are no shorter than the expression. */
const mostTimes = 6;

/** A cron expression in words (`every 15 minutes, from minute 5`, `every Monday at 06:30`); as it is written where it has no short ones. */
export function cronWords(cron: string): string {
  const nickname = nicknames[cron.trim().toLowerCase()];
  if (nickname !== undefined) return nickname;
  const [minute, hour, day, month, weekday, ...more] = cron.trim().split(/\s+/);
  if (weekday === undefined || more.length > 0) return cron;
  const fields = {
    minute: readField(minute, cronFields.minute),
    hour: readField(hour, cronFields.hour),
    day: readField(day, cronFields.day),
    month: readField(month, cronFields.month),
    weekday: readField(weekday, cronFields.weekday),
  };
  const days = fields.day && fields.month && fields.weekday && dayWords(fields.day, fields.month, sundayFirst(fields.weekday));
  const times = fields.minute && fields.hour && timeWords(fields.minute, fields.hour);
  if (days === undefined || times === undefined) return cron;
  if (times.startsWith('every ')) return days === 'every day' ? times : `${times}, ${days.replace(/^every (?=[A-Z])/, 'on ')}`;
  return `${days} at ${times}`;
}

function readField(text: string | undefined, rule: CronFieldRule): Field | undefined {
  const values = text === undefined ? '' : readCronField(text, rule);
  if (text === undefined || typeof values === 'string') return undefined;
  return { text, values: [...values].sort((a, b) => a - b), all: text === '*' };
}

/** Sunday is 0 and 7. */
function sundayFirst(field: Field): Field {
  return { ...field, values: [...new Set(field.values.map((day) => day % 7))].sort((a, b) => a - b) };
}

/** On which days; undefined where that is long to say. Days of the month together with weekdays are either or both, by rules that no short words have. */
function dayWords(day: Field, month: Field, weekday: Field): string | undefined {
  const inMonths = month.all ? '' : ` in ${listOf(month.values.map((m) => months[m - 1] ?? ''))}`;
  if (month.values.length > 3 && !month.all) return undefined;
  if (day.all) {
    const named = weekday.all || weekday.values.length === 7 ? 'every day' : weekdayWords(weekday.values);
    return `${named}${inMonths}`;
  }
  if (!weekday.all || day.text.startsWith('*') || day.values.length > 3) return undefined;
  if (month.all)
    return day.values.some((d) => d > 28)
      ? day.values.length === 1
        ? `on day ${day.values[0]} of each month that has one`
        : undefined
      : `on ${day.values.length === 1 ? 'day' : 'days'} ${listOf(day.values.map(String))} of every month`;
  const [only, ...others] = day.values;
  if (others.length > 0 || only === undefined || (only > 28 && month.values.length > 1)) return undefined;
  return `every ${listOf(month.values.map((m) => `${only} ${months[m - 1]}`))}`;
}

function weekdayWords(values: readonly number[]): string {
  const first = values[0] ?? 0;
  const last = values.at(-1) ?? 0;
  // A week that begins on a Monday has its Sunday last.
  const named = [...values.filter((d) => d > 0), ...values.filter((d) => d === 0)].map((d) => weekdays[d] ?? '');
  if (values.length > 2 && last - first === values.length - 1 && first > 0) return `${weekdays[first]} to ${weekdays[last]}`;
  return `every ${listOf(named)}`;
}

/** At which times of such a day: `06:00 and 18:00`, or a text that begins with `every`. */
function timeWords(minute: Field, hour: Field): string | undefined {
  const every = rhythmOf(minute.values, 60);
  const [firstMinute = 0] = minute.values;
  const [firstHour = 0] = hour.values;
  if (hour.values.length === 24) {
    if (every === 60) return firstMinute === 0 ? 'every hour' : `every hour, at minute ${firstMinute}`;
    if (every !== undefined)
      return `every ${every === 1 ? 'minute' : `${every} minutes`}${firstMinute === 0 ? '' : `, from minute ${firstMinute}`}`;
    return minute.values.length <= 4 ? `every hour, at minutes ${listOf(minute.values.map(String))}` : undefined;
  }
  if (every === 60 && hour.text.includes('/')) {
    const hours = rhythmOf(hour.values, 24);
    if (hours !== undefined && hours < 24) {
      const from = firstHour === 0 ? (firstMinute === 0 ? '' : `, at minute ${firstMinute}`) : `, from ${clock(firstHour, firstMinute)}`;
      return `every ${hours} hours${from}`;
    }
  }
  const times = hour.values.flatMap((h) => minute.values.map((m) => clock(h, m)));
  const unbroken = hour.values.length > 1 && (hour.values.at(-1) ?? 0) - firstHour === hour.values.length - 1;
  if (every !== undefined && unbroken && times.length > 2)
    return `every ${every === 60 ? 'hour' : every === 1 ? 'minute' : `${every} minutes`} from ${times[0]} to ${times.at(-1)}`;
  return times.length <= mostTimes ? listOf(times) : undefined;
}

/** The distance between these values when it is the same all around the clock; undefined otherwise. */
function rhythmOf(values: readonly number[], around: number): number | undefined {
  const [first = 0] = values;
  const step = around / values.length;
  return Number.isInteger(step) && first < step && values.every((value, i) => value === first + i * step) ? step : undefined;
}

const clock = (hour: number, minute: number): string => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;

function listOf(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
