import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { DstConfig } from '../../../engine/config.ts';
import { readCron } from '../../../engine/schedule/cron.ts';
import { createRandom } from '../../../generators/random.ts';
import { suite } from '../../support/suite.ts';
import { slowFires, slowRule } from './slow-cron.ts';
import { longestHour, minutesOf, oddDays, randomCron, stretchesOf, wrongFires } from './zones.ts';

const casesFile = join(import.meta.dirname, '../../../../shared/data/cron_dst_cases.json');
const rule: DstConfig = { gap: 'after', fold: 'once' };

interface Case {
  readonly why: string;
  readonly tz: string;
  readonly from: string;
  readonly spec: string;
  readonly croner: readonly string[];
  readonly cron_parser: readonly string[] | string;
  readonly vixie_rule_derived?: readonly string[] | null;
}

/** So many fires after that moment, as ISO without milliseconds. */
function fires(cron: string, timezone: string, from: string, count: number, dst: DstConfig = rule): readonly string[] {
  const schedule = readCron({ cron, timezone, dst });
  const found: string[] = [];
  for (let at = schedule.next(Date.parse(from)); at !== undefined && found.length < count; at = schedule.next(at))
    found.push(new Date(at).toISOString().replace('.000', ''));
  return found;
}

suite('schedules', ({ test, skip }) => {
  test('a fixed time that the clocks leave out fires right after the gap, or not at all with `gap: skip`', () => {
    assert.equal(fires('30 2 * * *', 'America/New_York', '2026-03-08T05:30:00Z', 2), ['2026-03-08T07:00:00Z', '2026-03-09T06:30:00Z']);
    assert.equal(fires('30 2 * * *', 'America/New_York', '2026-03-08T05:30:00Z', 1, { ...rule, gap: 'skip' }), ['2026-03-09T06:30:00Z']);
  });

  test('a fixed time that the clocks show twice fires the first time, or twice with `fold: twice`', () => {
    assert.equal(fires('30 1 * * *', 'America/New_York', '2026-11-01T04:30:00Z', 2), ['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z']);
    assert.equal(fires('30 1 * * *', 'America/New_York', '2026-11-01T04:30:00Z', 3, { ...rule, fold: 'twice' }), [
      '2026-11-01T05:30:00Z',
      '2026-11-01T06:30:00Z',
      '2026-11-02T06:30:00Z',
    ]);
  });

  test('a value that is there twice counts once: `0,*/15`, Sunday as 0 and 7', () => {
    for (const [twice, once] of [
      ['0,*/15 * * * *', '*/15 * * * *'],
      ['0 9 1,1-3 * *', '0 9 1-3 * *'],
      ['0 9 * jan,1 *', '0 9 * 1 *'],
      ['0 9 * * 0,7', '0 9 * * 0'],
    ] as const)
      assert.equal(fires(twice, 'UTC', '2026-01-01T00:00:00Z', 9), fires(once, 'UTC', '2026-01-01T00:00:00Z', 9), twice);
  });

  test('several fixed times in one gap are one fire, right after it', () => {
    assert.equal(fires('0,20,40 2 * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 2), ['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z']);
    assert.equal(fires('0 2,3 * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 2), ['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z']);
  });

  test('a gap at midnight belongs to the day that it begins', () => {
    assert.equal(fires('0 0 * * 0', 'America/Santiago', '2026-09-05T12:00:00Z', 1), ['2026-09-06T04:00:00Z']);
  });

  test('where clocks are set by half an hour, a job of every hour waits no longer than an hour', () => {
    for (const stretch of stretchesOf('Australia/Lord_Howe', 2025, 2028))
      for (const minute of [0, 15, 30, 45, 59]) assert.ok(longestHour(minute, stretch) <= 60);
  });

  test('a day of the month and one of the week: both when one begins with `*`, else one is enough', () => {
    assert.equal(fires('0 0 13 * 5', 'UTC', '2026-01-01T00:00:00Z', 3), [
      '2026-01-02T00:00:00Z',
      '2026-01-09T00:00:00Z',
      '2026-01-13T00:00:00Z',
    ]);
    assert.equal(fires('0 0 */2 * 1', 'UTC', '2026-01-01T00:00:00Z', 2), ['2026-01-05T00:00:00Z', '2026-01-19T00:00:00Z']);
  });

  test('what never comes has no next fire, and what comes once in 28 years has one', () => {
    assert.equal(fires('0 0 30 2 */7', 'UTC', '2026-01-01T00:00:00Z', 1), []);
    assert.equal(fires('0 0 29 2 */7', 'UTC', '2026-01-01T00:00:00Z', 1), ['2032-02-29T00:00:00Z']);
    assert.equal(fires('0 0 29 2 */7', 'UTC', '2033-01-01T00:00:00Z', 1), ['2060-02-29T00:00:00Z']);
  });

  test('zones of all kinds around each change of their clocks, random schedules: as a clock that is walked minute by minute', () => {
    const random = createRandom(Date.now() % 1_000_000, 'schedules');
    const zones = [
      'America/New_York',
      'Europe/Berlin',
      'Australia/Lord_Howe',
      'Antarctica/Troll',
      'America/Santiago',
      'Africa/Casablanca',
      'Asia/Gaza',
    ];
    for (const zone of zones)
      for (const stretch of stretchesOf(zone, 2026, 2027)) {
        const minutes = minutesOf(stretch);
        for (let i = 0; i < 25; i += 1) assert.equal(wrongFires(randomCron(random), stretch, minutes), []);
        for (const minute of [0, 17, 30]) assert.ok(longestHour(minute, stretch) <= 60);
        assert.equal(oddDays(random.below(24), random.below(60), stretch), []);
      }
  });

  test('the slow clock itself: a wild schedule fires at each time that is shown, a fixed one once', () => {
    const minute = 60_000;
    // 01:58, 01:59, then 01:00 again: an hour back.
    const shown = [118, 119, ...Array.from({ length: 62 }, (_, i) => 60 + i)];
    const walked = shown.map((m, i) => ({ atMs: i * minute, wallMs: Date.UTC(2026, 0, 1) + m * minute }));
    assert.equal(slowFires(slowRule('59 * * * *'), walked), [1 * minute, 61 * minute]);
    assert.equal(slowFires(slowRule('59 1 * * *'), walked), [1 * minute]);
  });

  if (!existsSync(casesFile)) skip('the cases of other schedulers', 'no ../shared/data');
  else
    test('the cases of daylight saving: as cron(8) rules, and where that says nothing, as at least one other scheduler', () => {
      const { cases } = JSON.parse(readFileSync(casesFile, 'utf8')) as { readonly cases: readonly Case[] };
      // Refused before a schedule is read (engine/load/cron.ts), or told apart by cron(8) alone.
      const others = new Set([
        'n/step without range',
        'never',
        'wrap-around range',
        'star-step DOM with DOW (vixie: AND because DOM starts with *)',
      ]);
      for (const { why, tz, from, spec, ...known } of cases.filter((c) => !others.has(c.why))) {
        const right = known.vixie_rule_derived ?? undefined;
        const count = (right ?? known.croner).length;
        const found = fires(spec, tz, from, count);
        const answers = right === undefined ? [known.croner, known.cron_parser] : [right];
        assert.ok(
          answers.some((answer) => JSON.stringify(answer) === JSON.stringify(found)),
          `${why}: ${found.join(' ')}`,
        );
      }
    });
});
