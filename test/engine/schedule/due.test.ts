import * as assert from 'uvu/assert';
import type { CatchupConfig, ScheduleConfig } from '../../../engine/config.ts';
import { type Due, dueFires, nextDue } from '../../../engine/schedule/due.ts';
import { onTimeMs } from '../../../engine/schedule/late.ts';
import { mostCounted } from '../../../engine/schedule/left-out.ts';
import { suite } from '../../support/suite.ts';

const every = (cron: string, timezone = 'UTC'): ScheduleConfig => ({ cron, timezone, dst: { gap: 'after', fold: 'once' } });
const at = (text: string): number => Date.parse(`2026-05-04T${text}Z`);
const hourly = [every('0 * * * *')];

/** Asks as of a moment, with what was seen until another. */
function ask(nowMs: number, seenUntilMs: number, catchup: CatchupConfig = 'latest', schedules = hourly): Due {
  const { mark } = dueFires({ schedules, catchup, mark: undefined, nowMs: seenUntilMs });
  return dueFires({ schedules, catchup, mark, nowMs });
}
const shown = (due: Due): readonly string[] => due.fires.map((ms) => new Date(ms).toISOString().slice(11, 16));

suite('what is due', ({ test }) => {
  test('a pipeline that was never looked at fires from now on, never for the past', () => {
    const due = dueFires({ schedules: hourly, catchup: 'latest', mark: undefined, nowMs: at('12:00:01') });
    assert.equal([due.fires, due.missed, due.mark.seenUntilMs], [[], undefined, at('12:00:01')]);
  });

  test('a time that came since the last look fires once; the next look finds nothing', () => {
    const due = ask(at('12:00:00'), at('11:59:59'));
    assert.equal(shown(due), ['12:00']);
    assert.equal(dueFires({ schedules: hourly, catchup: 'latest', mark: due.mark, nowMs: at('12:00:01') }).fires, []);
  });

  test('a changed schedule fires nothing of the past', () => {
    const { mark } = dueFires({ schedules: hourly, catchup: 'latest', mark: undefined, nowMs: at('09:00:00') });
    const due = dueFires({ schedules: [every('*/5 * * * *')], catchup: { windowMs: 86_400_000, max: 100 }, mark, nowMs: at('12:00:01') });
    assert.equal([due.fires, due.missed], [[], undefined]);
    assert.equal(dueFires({ schedules: [every('*/5 * * * *')], catchup: 'latest', mark: due.mark, nowMs: at('12:05:00') }).fires, [
      at('12:05:00'),
    ]);
  });

  test('beside a schedule that is new or was changed, one that stayed loses no time', () => {
    const daily = every('0 8 * * *');
    const { mark } = dueFires({ schedules: [daily, ...hourly], catchup: 'latest', mark: undefined, nowMs: at('11:59:50') });
    const due = dueFires({ schedules: [every('*/5 * * * *'), ...hourly], catchup: 'latest', mark, nowMs: at('12:00:01') });
    assert.equal([shown(due), due.missed], [['12:00'], undefined]);
    const late = dueFires({ schedules: [...hourly, every('*/5 * * * *')], catchup: 'latest', mark, nowMs: at('13:30:01') });
    assert.equal([shown(late), late.missed?.count], [['13:00'], 1]);
    assert.equal(nextDue([every('*/5 * * * *')], late.mark.seenUntilMs), at('13:35:00'));
  });

  test('after a long silence: nothing with `none`, the newest with `latest`, the newest few of a window with `{ window, max }`', () => {
    const now = at('18:30:00');
    const before = now - 3 * 86_400_000;
    assert.equal(shown(ask(now, before, 'none')), []);
    assert.equal(shown(ask(now, before, 'latest')), ['18:00']);
    assert.equal(shown(ask(now, before, { windowMs: 5 * 3_600_000, max: 3 })), ['16:00', '17:00', '18:00']);
    assert.equal(shown(ask(now, before, { windowMs: 90 * 60_000, max: 10 })), ['17:00', '18:00']);
    assert.equal(shown(ask(now, before, { windowMs: 10 * 60_000, max: 10 })), []);
    const missed = ask(now, before, 'latest').missed;
    assert.equal([missed?.count, missed?.firstMs, missed?.lastMs], [71, before + 30 * 60_000, at('17:00:00')]);
  });

  test('a time that is on time is run for whatever `catchup` says, and is the only one with `latest`', () => {
    const now = at('18:00:00') + onTimeMs;
    assert.equal(shown(ask(now, at('10:30:00'), 'none')), ['18:00']);
    assert.equal(shown(ask(now, at('10:30:00'), 'latest')), ['18:00']);
    assert.equal(shown(ask(now, at('10:30:00'), { windowMs: 3_600_000 * 3, max: 2 })), ['17:00', '18:00']);
    assert.equal(shown(ask(now + 1, at('10:30:00'), 'none')), [], 'a moment later it is late');
  });

  test('years of silence of a schedule of every minute are told of in no time', () => {
    const now = at('12:00:30');
    const due = ask(now, now - 3 * 365 * 86_400_000, 'latest', [every('* * * * *')]);
    assert.equal(due.fires, [at('12:00:00')]);
    assert.is(due.missed?.count, mostCounted);
    const none = ask(now + onTimeMs, now - 3 * 365 * 86_400_000, 'latest', [every('0 0 29 2 *')]);
    assert.equal(none.fires, [Date.parse('2024-02-29T00:00:00Z')]);
  });

  test('a clock that was set back: times are looked at again from there, so that none is left out', () => {
    const due = ask(at('11:00:00'), at('12:30:00'));
    assert.equal([due.fires, due.mark.seenUntilMs], [[], at('11:00:00')]);
    assert.equal(shown(dueFires({ schedules: hourly, catchup: 'latest', mark: due.mark, nowMs: at('12:00:00') })), ['12:00']);
  });

  test('several schedules of one pipeline that name one moment are one time', () => {
    const both = [every('0 12 * * *'), every('0 14 * * *', 'Europe/Berlin'), every('30 11 * * *')];
    const due = ask(at('12:00:00'), at('11:00:00'), { windowMs: 86_400_000, max: 5 }, both);
    assert.equal(shown(due), ['11:30', '12:00']);
    assert.is(nextDue(both, at('11:40:00')), at('12:00:00'));
    assert.is(nextDue([], 0), undefined);
  });
});
