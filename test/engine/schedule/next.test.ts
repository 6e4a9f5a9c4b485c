import * as assert from 'uvu/assert';
import type { ScheduleConfig } from '../../../engine/config.ts';
import { daysOfChange, nextFires, zoned } from '../../../engine/schedule/next.ts';
import { suite } from '../../support/suite.ts';

const at = (cron: string, timezone = 'UTC'): ScheduleConfig => ({ cron, timezone, dst: { gap: 'after', fold: 'once' } });

suite('next fires', ({ test }) => {
  test('fires are strictly after the moment asked about, rising', async () => {
    const noon = Date.parse('2026-03-08T12:00:00Z');
    assert.equal(await nextFires(at('0 12 * * *'), noon, 2), ['2026-03-09T12:00:00Z', '2026-03-10T12:00:00Z']);
    assert.equal(await nextFires(at('0 12 * * *'), noon - 1, 1), ['2026-03-08T12:00:00Z']);
  });

  test("each fire has its zone's offset at that time, over a change of the clock", async () => {
    assert.equal(await nextFires(at('0 9 * * *', 'America/New_York'), Date.parse('2026-03-07T12:00:00Z'), 2), [
      '2026-03-07T09:00:00-05:00',
      '2026-03-08T09:00:00-04:00',
    ]);
  });

  test('days on which the clocks are set are known among fires, in spring and in autumn', async () => {
    const spring = await nextFires(at('0 9 * * *', 'America/New_York'), Date.parse('2026-03-06T20:00:00Z'), 4);
    assert.equal(daysOfChange(spring, 'America/New_York'), ['2026-03-08']);
    const autumn = await nextFires(at('0 9 * * *', 'Europe/Berlin'), Date.parse('2026-10-23T20:00:00Z'), 4);
    assert.equal(daysOfChange(autumn, 'Europe/Berlin'), ['2026-10-25']);
    assert.equal(daysOfChange(autumn, 'UTC'), []);
  });

  test('zones with odd offsets are written right', () => {
    const day = Date.parse('2026-06-01T00:00:00Z');
    assert.is(zoned(day, 'Asia/Kathmandu'), '2026-06-01T05:45:00+05:45');
    assert.is(zoned(day, 'America/St_Johns'), '2026-05-31T21:30:00-02:30');
    assert.is(zoned(day, 'UTC'), '2026-06-01T00:00:00Z');
  });

  test('a schedule that fires every four years is found', async () => {
    assert.equal(await nextFires(at('0 0 29 2 *'), Date.parse('2026-01-01T00:00:00Z'), 2), [
      '2028-02-29T00:00:00Z',
      '2032-02-29T00:00:00Z',
    ]);
  });
});
