import { CronExpressionParser } from 'cron-parser';
import * as assert from 'uvu/assert';
import { checkCron } from '../../../engine/load/cron.ts';
import { readCron } from '../../../engine/schedule/cron.ts';
import { cronWords } from '../../../engine/schedule/words.ts';
import { createRandom, type Random } from '../../../generators/random.ts';
import { suite } from '../../support/suite.ts';

const months = 'January February March April May June July August September October November December'.split(' ');
const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** What words mean, to a reader who has never seen the expression. */
interface Meaning {
  readonly day: (date: Date) => boolean;
  /** Minutes of such a day. */
  readonly times: readonly number[];
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const listed = (text: string): readonly string[] => text.split(/, | and /);
const stepped = (from: number, to: number, step: number): readonly number[] =>
  Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, i) => from + i * step);

function daysMeant(text: string): Meaning['day'] {
  const [who = '', when] = text.replace(/^on (?=[A-Z])/, 'every ').split(' in ');
  const inMonths = when === undefined ? undefined : listed(when).map((name) => months.indexOf(name));
  if (inMonths?.includes(-1) === true) throw new Error(`no month: ${text}`);
  const inMonth = (date: Date): boolean => inMonths === undefined || inMonths.includes(date.getUTCMonth());
  if (who === 'every day') return inMonth;
  const range = /^([A-Z][a-z]+) to ([A-Z][a-z]+)$/.exec(who);
  if (range !== null) {
    const [from, to] = [weekdays.indexOf(range[1] ?? ''), weekdays.indexOf(range[2] ?? '')];
    if (from < 0 || to <= from) throw new Error(`no weekdays: ${text}`);
    return (date) => inMonth(date) && date.getUTCDay() >= from && date.getUTCDay() <= to;
  }
  const ofMonth = /^on days? ([\d, and]+) of (?:every month|each month that has one)$/.exec(who);
  if (ofMonth !== null) {
    const days = listed(ofMonth[1] ?? '').map(Number);
    return (date) => days.includes(date.getUTCDate());
  }
  const names = listed(who.replace(/^every /, ''));
  if (!who.startsWith('every ') || names.length === 0) throw new Error(`no days: ${text}`);
  if (names.every((name) => weekdays.includes(name))) return (date) => inMonth(date) && names.includes(weekdays[date.getUTCDay()] ?? '');
  if (!names.every((name) => /^\d+ [A-Z]/.test(name) && months.includes(name.split(' ')[1] ?? ''))) throw new Error(`no days: ${text}`);
  return (date) => names.includes(`${date.getUTCDate()} ${months[date.getUTCMonth()]}`);
}

function meaningOf(words: string): Meaning {
  const at = /^(.*?) at (\d\d:\d\d.*)$/.exec(words);
  if (at !== null) return { day: daysMeant(at[1] ?? ''), times: listed(at[2] ?? '').map(minutesOf) };
  const every =
    /^every (?:(\d+) )?(minute|hour)s?(?: from (\d\d:\d\d) to (\d\d:\d\d)|, from minute (\d+)|, at minutes? (\d+(?:(?:, | and )\d+)*)|, from (\d\d:\d\d))?(?:, (.*))?$/.exec(
      words,
    );
  if (every === null) throw new Error(`not understood: ${words}`);
  const [, count = '1', unit, from, to, fromMinute, atMinutes, fromTime, days = 'every day'] = every;
  const step = Number(count) * (unit === 'hour' ? 60 : 1);
  const starts = atMinutes === undefined ? [fromMinute ?? minutesOf(from ?? fromTime ?? '00:00')] : listed(atMinutes);
  const last = to === undefined ? 24 * 60 - 1 : minutesOf(to);
  return { day: daysMeant(days), times: starts.flatMap((start) => stepped(Number(start), last, step)).sort((a, b) => a - b) };
}

const dayMs = 86_400_000;
const begin = Date.UTC(2027, 11, 1);
const days = Array.from({ length: 400 }, (_, i) => new Date(begin + i * dayMs));

/** What the expression means, as cron-parser reads it. */
function meaningByParser(cron: string): Meaning {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = CronExpressionParser.parse(cron).fields;
  const has = (field: { readonly values: readonly (number | string)[] }, value: number): boolean => field.values.includes(value);
  return {
    day: (date) => {
      const [ofMonth, ofWeek] = [has(dayOfMonth, date.getUTCDate()), has(dayOfWeek, date.getUTCDay())];
      const either = !dayOfMonth.isWildcard && !dayOfWeek.isWildcard;
      return has(month, date.getUTCMonth() + 1) && (either ? ofMonth || ofWeek : ofMonth && ofWeek);
    },
    times: hour.values.flatMap((h) => minute.values.map((m) => Number(h) * 60 + Number(m))).sort((a, b) => a - b),
  };
}

/** Where the words and the schedule differ in 400 days with a leap February; undefined: nowhere. */
function differenceOf(cron: string, words: string): string | undefined {
  const said = meaningOf(words);
  const meant = meaningByParser(cron);
  const day = days.find((date) => said.day(date) !== meant.day(date));
  if (day !== undefined) return `${day.toISOString().slice(0, 10)}: ${meant.day(day) ? 'fires' : 'does not fire'}`;
  return JSON.stringify(said.times) === JSON.stringify(meant.times)
    ? undefined
    : `${meant.times.join(' ')}, and not ${said.times.join(' ')}`;
}

function randomField(random: Random, min: number, max: number, often: readonly string[]): string {
  const value = (): number => min + random.below(max - min + 1);
  const item = (): string => {
    const kind = random.below(10);
    if (kind < 5) return String(value());
    const [a, b] = [value(), value()].sort((x, y) => x - y);
    if (kind < 7) return `${a}-${b}`;
    if (kind < 8) return `${a}-${b}/${1 + random.below(8)}`;
    return `*/${1 + random.below(max)}`;
  };
  return random.chance(0.75) ? random.pick(often) : Array.from({ length: 1 + random.below(3) }, item).join(',');
}

const randomCron = (random: Random): string =>
  [
    randomField(random, 0, 59, ['0', '*', '*/15', '5,20,35,50', '30', '*/10', '0,30', '7-59/10', '15,45', '0,*/15']),
    randomField(random, 0, 23, ['*', '*', '0', '9', '*/6', '*/2', '6,18', '9-17', '1-23/6', '0,12', '22-23']),
    randomField(random, 1, 31, ['*', '*', '*', '*', '1', '15', '1,15', '31', '*/1', '1-31']),
    randomField(random, 1, 12, ['*', '*', '*', '*', '1', '2', 'jan,jul', '6-8', '1-12']),
    randomField(random, 0, 7, ['*', '*', '*', '*', '1-5', '0', '7', '6,0', 'mon-fri', '0-6', '1-7', '5-7', '0-2']),
  ].join(' ');

suite('a schedule in words', ({ test }) => {
  test('says what is short to say, and leaves the rest as it is written', () => {
    const said: readonly (readonly [string, string])[] = [
      ['* * * * *', 'every minute'],
      ['*/1 * * * *', 'every minute'],
      ['*/15 * * * *', 'every 15 minutes'],
      ['5,20,35,50 * * * *', 'every 15 minutes, from minute 5'],
      ['7-59/10 * * * *', 'every 10 minutes, from minute 7'],
      ['0,20 * * * *', 'every hour, at minutes 0 and 20'],
      ['0 * * * *', 'every hour'],
      ['5 * * * *', 'every hour, at minute 5'],
      ['0 */6 * * *', 'every 6 hours'],
      ['30 */6 * * *', 'every 6 hours, at minute 30'],
      ['30 1-23/6 * * *', 'every 6 hours, from 01:30'],
      ['0 */5 * * *', 'every day at 00:00, 05:00, 10:00, 15:00 and 20:00'],
      ['30 2 * * *', 'every day at 02:30'],
      ['0 6,18 * * *', 'every day at 06:00 and 18:00'],
      ['0,30 9 * * *', 'every day at 09:00 and 09:30'],
      ['0 0-5 * * *', 'every hour from 00:00 to 05:00'],
      ['*/15 9 * * *', 'every day at 09:00, 09:15, 09:30 and 09:45'],
      ['*/15 9-17 * * 1-5', 'every 15 minutes from 09:00 to 17:45, Monday to Friday'],
      ['*/15 * * * 6,0', 'every 15 minutes, on Saturday and Sunday'],
      ['15 7 * * 1-5', 'Monday to Friday at 07:15'],
      ['15 7 * * MON-FRI', 'Monday to Friday at 07:15'],
      ['0 9 * * 0', 'every Sunday at 09:00'],
      ['0 9 * * 1,7', 'every Monday and Sunday at 09:00'],
      ['0 9 * * 0-6', 'every day at 09:00'],
      ['30 1 1 * *', 'on day 1 of every month at 01:30'],
      ['0 0 1,15 * *', 'on days 1 and 15 of every month at 00:00'],
      ['0 0 31 * *', 'on day 31 of each month that has one at 00:00'],
      ['0 0 1 1 *', 'every 1 January at 00:00'],
      ['0 6 1 jan,jul *', 'every 1 January and 1 July at 06:00'],
      ['0 0 29 2 *', 'every 29 February at 00:00'],
      ['0 0 * 1 *', 'every day in January at 00:00'],
      ['0 0 * 6-8 1', 'every Monday in June, July and August at 00:00'],
      ['@daily', 'every day at 00:00'],
      ['@hourly', 'every hour'],
    ];
    for (const [cron, words] of said) assert.is(cronWords(cron), words, cron);
    // Steps that do not divide the hour have a shorter one at its end; days of the month beside weekdays are one or the other.
    for (const cron of [
      '*/7 * * * *',
      '0 0 1 * 1',
      '0 0 */2 * *',
      '0 0 29,31 * *',
      '0 0 1-7 * *',
      '0 0 30 1,2 *',
      '1,2,3 */2 * * *',
      'whatever',
      '',
    ])
      assert.is(cronWords(cron), cron);
  });

  test('words are never wrong: read back, they are what cron-parser reads, for 20,000 schedules', () => {
    const random = createRandom(20_261_125, 'words');
    const seen = new Set<string>();
    for (let i = 0; i < 20_000; i += 1) {
      const cron = randomCron(random);
      const words = cronWords(cron);
      if (words === cron || seen.has(cron) || !('cron' in checkCron(cron))) continue;
      // cron-parser takes no value twice.
      if (cron.split(' ').some((field) => field.includes(','))) {
        try {
          CronExpressionParser.parse(cron);
        } catch (error) {
          assert.match(String(error), 'duplicate values');
          continue;
        }
      }
      seen.add(cron);
      assert.is(differenceOf(cron, words), undefined, `${cron}: ${words}`);
    }
    assert.ok(seen.size > 1000, `${seen.size} were said in words`);
  });

  test('and the daemon fires at those times', () => {
    const random = createRandom(7, 'fires');
    let tried = 0;
    while (tried < 100) {
      const cron = randomCron(random);
      const words = cronWords(cron);
      if (words === cron || !('cron' in checkCron(cron))) continue;
      tried += 1;
      const { day, times } = meaningOf(words);
      const said = days.slice(0, 90).flatMap((date) => (day(date) ? times.map((minute) => date.getTime() + minute * 60_000) : []));
      const schedule = readCron({ cron, timezone: 'UTC', dst: { gap: 'after', fold: 'once' } });
      let at = begin - 1;
      for (const expected of said.slice(0, 300)) {
        at = schedule.next(at) ?? 0;
        assert.is(at, expected, `${cron}: ${words}`);
      }
    }
  });

  test('the check itself finds words that are wrong', () => {
    assert.is(differenceOf('0 6 * * *', 'every day at 06:00'), undefined);
    for (const [cron, words] of [
      ['0 6 * * *', 'every day at 06:30'],
      ['0 6 * * *', 'Monday to Friday at 06:00'],
      ['5,20,35,50 * * * *', 'every 15 minutes'],
      ['0 0 31 * *', 'on day 30 of every month at 00:00'],
    ] as const)
      assert.is.not(differenceOf(cron, words), undefined, words);
  });
});
