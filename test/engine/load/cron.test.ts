import { CronExpressionParser } from 'cron-parser';
import * as assert from 'uvu/assert';
import { checkCron } from '../../../engine/load/cron.ts';
import { suite } from '../../support/suite.ts';

const parts = {
  minute: ['*', '*/15', '0', '59', '5,20,35,50', '10-20', '10-50/5', '60', '-1', '5/15', '1,', ',1', '*/0', '*/60', '1-2-3', 'H', '?'],
  hour: ['*', '*/6', '23', '0-23', '24', '8-6'],
  day: ['*', '1', '31', '*/10', '30,31', '0', '32', 'L', '15W'],
  month: ['*', '2', 'jan', 'DEC', 'mar-sep', '*/3', '13', 'foo', 'sep-mar'],
  weekday: ['*', '0', '7', 'sun', 'MON-fri', '1-5', '5-7', '8', '1#2', '5L', 'mon,wed'],
};

suite('cron expressions', (s) => {
  s.test('what is accepted, cron-parser reads and can fire', () => {
    let accepted = 0;
    const all: (keyof typeof parts)[] = ['minute', 'hour', 'day', 'month', 'weekday'];
    for (const varied of all)
      for (const other of all)
        for (const a of parts[varied])
          for (const b of parts[other]) {
            const text = all.map((name) => (name === varied ? a : name === other ? b : '*')).join(' ');
            const checked = checkCron(text);
            if (!('cron' in checked)) continue;
            accepted += 1;
            const next = CronExpressionParser.parse(checked.cron, { tz: 'UTC', currentDate: '2026-01-01T00:00:00Z' }).next();
            assert.ok(next.getTime() > Date.UTC(2026, 0, 1), text);
          }
    assert.ok(accepted > 500, `${accepted} expressions`);
  });

  s.test('what cron-parser refuses is refused here too', () => {
    for (const [i, field] of Object.values(parts).entries())
      for (const value of field) {
        const text = [0, 1, 2, 3, 4].map((n) => (n === i ? value : '*')).join(' ');
        const accepted = 'cron' in checkCron(text);
        let parsed = true;
        try {
          CronExpressionParser.parse(text);
        } catch (error) {
          parsed = false;
          assert.not(accepted, `${text}: ${String(error)}`);
        }
        if (accepted) assert.ok(parsed);
      }
  });

  s.test('a finding names the field and points at it', () => {
    const checked = checkCron('  5 24 * * *');
    assert.ok('problem' in checked);
    assert.is(checked.problem, 'the hour (field 2) cannot be 24');
    assert.equal(checked.part, [4, 6]);
  });

  s.test('short forms become five fields', () => {
    assert.equal(checkCron('@daily'), { cron: '0 0 * * *' });
    assert.equal(checkCron(' @Hourly '), { cron: '0 * * * *' });
    assert.ok('problem' in checkCron('@reboot'));
  });

  s.test('a day that no month has is refused, a leap day is not', () => {
    assert.ok('problem' in checkCron('0 0 31 2,4,6,9,11 *'));
    assert.ok('cron' in checkCron('0 0 29 2 *'));
    assert.ok('cron' in checkCron('0 0 31 2 mon'));
  });
});
