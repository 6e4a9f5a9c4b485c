import * as assert from 'uvu/assert';
import { nextFires, zoned } from '../../../engine/schedule/next.ts';
import { suite } from '../../support/suite.ts';

suite('next fires', ({ test }) => {
  test('fires are strictly after the moment asked about, rising', async () => {
    const at = Date.parse('2026-03-08T12:00:00Z');
    assert.equal(await nextFires({ cron: '0 12 * * *', timezone: 'UTC' }, at, 2), ['2026-03-09T12:00:00Z', '2026-03-10T12:00:00Z']);
    assert.equal(await nextFires({ cron: '0 12 * * *', timezone: 'UTC' }, at - 1, 1), ['2026-03-08T12:00:00Z']);
  });

  test("each fire has its zone's offset at that time, over a change of the clock", async () => {
    const at = Date.parse('2026-03-07T12:00:00Z');
    assert.equal(await nextFires({ cron: '0 9 * * *', timezone: 'America/New_York' }, at, 2), [
      '2026-03-07T09:00:00-05:00',
      '2026-03-08T09:00:00-04:00',
    ]);
  });

  test('in the repeated hour of autumn no fire is given twice or backwards', async () => {
    const fires = await nextFires({ cron: '*/15 * * * *', timezone: 'America/New_York' }, Date.parse('2026-11-01T05:30:00Z'), 12);
    const times = fires.map((f) => Date.parse(f));
    assert.is(fires.length, 12);
    assert.equal(
      times,
      [...new Set(times)].sort((a, b) => a - b),
    );
  });

  test('zones with odd offsets are written right', () => {
    const at = Date.parse('2026-06-01T00:00:00Z');
    assert.is(zoned(at, 'Asia/Kathmandu'), '2026-06-01T05:45:00+05:45');
    assert.is(zoned(at, 'America/St_Johns'), '2026-05-31T21:30:00-02:30');
    assert.is(zoned(at, 'UTC'), '2026-06-01T00:00:00Z');
  });

  test('a schedule that fires every four years is found', async () => {
    assert.equal(await nextFires({ cron: '0 0 29 2 *', timezone: 'UTC' }, Date.parse('2026-01-01T00:00:00Z'), 2), [
      '2028-02-29T00:00:00Z',
      '2032-02-29T00:00:00Z',
    ]);
  });
});
