import * as assert from 'uvu/assert';
import { allZones } from '../../../engine/schedule/zone.ts';
import { createRandom } from '../../../generators/random.ts';
import { suite } from '../../support/suite.ts';
import { longestHour, minutesOf, oddDays, randomCron, type Stretch, stretchesOf, wrongFires } from './zones.ts';

const seed = Date.now() % 1_000_000;
const schedulesEach = 10;

suite('schedules in every zone', ({ test }) => {
  test('two days around each change of the clocks in three years: rising, as a slow clock has it, every hour within an hour, once a day', () => {
    const random = createRandom(seed, 'every zone');
    const found = { zones: 0, changes: 0, schedules: 0 };
    for (const zone of allZones()) {
      const stretches = stretchesOf(zone, 2025, 2028);
      found.zones += 1;
      for (const stretch of stretches) {
        const minutes = minutesOf(stretch);
        found.changes += 1;
        for (let i = 0; i < schedulesEach; i += 1, found.schedules += 1)
          assert.equal(wrongFires(randomCron(random), stretch, minutes), [], `seed ${seed}`);
        for (const minute of [0, 15, 30, 59]) assert.ok(longestHour(minute, stretch) <= 60, `${zone}, minute ${minute}`);
        assert.equal(oddDays(random.below(24), random.below(60), stretch), [], `seed ${seed}`);
        // Where clocks are set about midnight, a made up time may be the next day's.
        for (const hour of [0, 1, 2, 3, 22, 23]) for (const minute of [0, 30]) assert.equal(oddDays(hour, minute, stretch), []);
      }
    }
    process.stdout.write(`${found.zones} zones, ${found.changes} changes of clocks, ${found.schedules} schedules: 0 wrong\n`);
    assert.ok(found.zones > 300 && found.changes > 500);
  });

  test('thirty zones over a whole year: rising, and as a slow clock has it', () => {
    const random = createRandom(seed, 'a year');
    const zones = allZones();
    for (let i = 0; i < 30; i += 1) {
      const stretch: Stretch = { zone: random.pick(zones), fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2027, 0, 1) };
      const minutes = minutesOf(stretch);
      for (let n = 0; n < 5; n += 1) assert.equal(wrongFires(randomCron(random), stretch, minutes), [], `seed ${seed}`);
    }
  });
});
