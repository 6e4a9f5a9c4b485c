import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ScheduleConfig } from '../../../engine/config.ts';
import { readCron } from '../../../engine/schedule/cron.ts';
import { clocksSetIn, edgesOf } from '../../../engine/schedule/days.ts';
import { countTimes, timesBetween } from '../../../engine/schedule/times.ts';
import { zoneOf } from '../../../engine/schedule/zone.ts';
import { createRandom } from '../../../generators/random.ts';
import { suite } from '../../support/suite.ts';
import { randomCron, stretchesOf } from './zones.ts';

const casesFile = join(import.meta.dirname, '../../../../shared/data/cron_dst_cases.json');
const of = (cron: string, timezone = 'UTC'): ScheduleConfig => ({ cron, timezone, dst: { gap: 'after', fold: 'once' } });
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
const hourMs = 3_600_000;
const oddZones = [
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'America/Santiago',
  'Atlantic/Azores',
  'Asia/Gaza',
];

/** One by one, as the scheduler finds them. */
function found(schedule: ScheduleConfig, afterMs: number, untilMs: number): readonly number[] {
  const cron = readCron(schedule);
  const all: number[] = [];
  for (let at = cron.next(afterMs); at !== undefined && at <= untilMs; at = cron.next(at)) all.push(at);
  return all;
}

suite('times of schedules between two moments', ({ test, skip }) => {
  test('are counted as the scheduler finds them: zones of all kinds around each change of their clocks, random schedules and moments', () => {
    const random = createRandom(Date.now() % 1_000_000, 'counted');
    for (const zone of oddZones)
      for (const { fromMs, toMs } of stretchesOf(zone, 2026, 2027))
        for (let i = 0; i < 20; i += 1) {
          const schedule = of(i === 0 ? `${random.below(60)} * * * *` : randomCron(random), zone);
          const [after, until] = [fromMs + random.below(48 * 60) * 60_000 - random.below(2), toMs - random.below(48 * 60) * 60_000];
          const right = found(schedule, after, until);
          assert.is(
            readCron(schedule).count(after, until),
            right.length,
            `${schedule.cron} in ${zone} after ${iso(after)} until ${iso(until)}`,
          );
        }
  });

  test('a time that two schedules share comes once', () => {
    const [from, to] = [Date.UTC(2026, 4, 4) - 1, Date.UTC(2026, 4, 5) - 1];
    assert.is(countTimes([of('0 * * * *'), of('*/15 * * * *')], from, to), 96);
    assert.is(countTimes([of('0 6 * * *'), of('0 8 * * *', 'Europe/Berlin'), of('5 6 * * *')], from, to), 2);
    assert.is(countTimes([], from, to), 0);
    const shared = [of('*/20 * * * *'), of('*/30 * * * *')];
    assert.is(timesBetween(shared, from, to, 1_000).length, countTimes(shared, from, to));
    assert.equal(timesBetween(shared, from, to, 3).map(iso), ['2026-05-04T00:00:00Z', '2026-05-04T00:20:00Z', '2026-05-04T00:30:00Z']);
  });

  test('every minute of 200 pipelines for a month takes no longer than somebody waits', () => {
    // Of the processor, three seconds: how long a busy machine takes says nothing. One by one it is a minute.
    const before = process.cpuUsage();
    for (let n = 0; n < 200; n += 1)
      for (let day = 0; day < 31; day += 1) {
        const from = Date.UTC(2026, 9, 10 + day) - 1;
        const count = countTimes([of('* * * * *', n % 2 === 0 ? 'Europe/Berlin' : 'UTC')], from, from + 24 * hourMs);
        assert.is(count, 1_440);
      }
    const { user } = process.cpuUsage(before);
    assert.ok(user < 15_000_000, `${user / 1_000} ms`);
  });

  if (!existsSync(casesFile)) skip('the cases of other schedulers', 'no ../shared/data');
  else
    test('the cases of daylight saving are counted as the scheduler finds them', () => {
      const { cases } = JSON.parse(readFileSync(casesFile, 'utf8')) as {
        readonly cases: readonly { readonly why: string; readonly tz: string; readonly from: string; readonly spec: string }[];
      };
      const refused = new Set(['n/step without range', 'never', 'wrap-around range']);
      for (const { why, tz, from, spec } of cases.filter((each) => !refused.has(each.why))) {
        const [after, until] = [Date.parse(from), Date.parse(from) + 5 * 24 * hourMs];
        assert.is(readCron(of(spec, tz)).count(after, until), found(of(spec, tz), after, until).length, why);
      }
    });
});

suite('days and hours of a calendar', ({ test }) => {
  const edges = (zone: string, date: string, days: number, step: 'hour' | 'day'): readonly number[] =>
    edgesOf(zoneOf(zone), Date.parse(`${date}T00:00:00Z`), days, step);

  test('begin at midnight of their zone; a day on which clocks are set has 23 or 25 hours', () => {
    assert.equal(edges('Europe/Berlin', '2026-03-28', 3, 'day').map(iso), [
      '2026-03-27T23:00:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      '2026-03-30T22:00:00Z',
    ]);
    assert.is(edges('Europe/Berlin', '2026-03-29', 1, 'hour').length - 1, 23);
    assert.is(edges('Europe/Berlin', '2026-10-25', 1, 'hour').length - 1, 25);
    assert.is(edges('Asia/Kolkata', '2026-10-25', 1, 'hour').length - 1, 24);
    assert.equal(clocksSetIn(zoneOf('Europe/Berlin'), edges('Europe/Berlin', '2026-10-24', 3, 'day')), [1]);
    assert.equal(clocksSetIn(zoneOf('Europe/Berlin'), edges('Europe/Berlin', '2026-10-25', 1, 'hour')), [3]);
    assert.equal(clocksSetIn(zoneOf('UTC'), edges('Europe/Berlin', '2026-10-24', 3, 'day')), []);
  });

  test('whose midnight is left out begin after the gap, and whose midnight is shown twice with the first', () => {
    // Santiago: 24:00 is 01:00. The Azores: 01:00 is 00:00 again.
    assert.equal(edges('America/Santiago', '2026-09-06', 1, 'day').map(iso), ['2026-09-06T04:00:00Z', '2026-09-07T03:00:00Z']);
    assert.equal(clocksSetIn(zoneOf('America/Santiago'), edges('America/Santiago', '2026-09-05', 3, 'day')), [1]);
    assert.equal(edges('Atlantic/Azores', '2026-10-25', 1, 'day').map(iso), ['2026-10-25T00:00:00Z', '2026-10-26T01:00:00Z']);
  });

  test('every day of a year begins when its date is shown first, whatever the zone', () => {
    for (const name of oddZones) {
      const zone = zoneOf(name);
      const all = edges(name, '2026-01-01', 365, 'day');
      for (const [n, at] of all.entries()) {
        const date = iso(Date.UTC(2026, 0, 1 + n)).slice(0, 10);
        assert.is(iso(zone.local(at)).slice(0, 10), date, name);
        assert.ok(iso(zone.local(at - 1)).slice(0, 10) < date, `${name} ${date}`);
      }
    }
  });
});
