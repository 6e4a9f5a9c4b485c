import * as assert from 'uvu/assert';
import { cronWords } from '../../../engine/schedule/words.ts';
import { suite } from '../../support/suite.ts';

suite('a schedule in words', ({ test }) => {
  test('says what is short to say, and leaves the rest as it is written', () => {
    const said: readonly (readonly [string, string])[] = [
      ['* * * * *', 'every minute'],
      ['*/1 * * * *', 'every minute'],
      ['*/15 * * * *', 'every 15 minutes'],
      ['0 * * * *', 'every hour'],
      ['5 * * * *', 'every hour, at minute 5'],
      ['0 */6 * * *', 'every 6 hours'],
      ['30 */6 * * *', 'every 6 hours, at minute 30'],
      ['30 2 * * *', 'every day at 02:30'],
      ['0 6,18 * * *', 'every day at 06:00, 18:00'],
      ['15 7 * * 1-5', 'Monday to Friday at 07:15'],
      ['0 9 * * 0', 'every Sunday at 09:00'],
      ['0 9 * * 1,7', 'every Monday, Sunday at 09:00'],
      ['@daily', 'every day at 00:00'],
      ['@hourly', 'every hour'],
    ];
    for (const [cron, words] of said) assert.is(cronWords(cron), words, cron);
    // Steps that do not divide the hour or the day have a shorter one at its end.
    for (const cron of [
      '*/7 * * * *',
      '0 */5 * * *',
      '0 0 1 * *',
      '0 0 * 1 *',
      '5,20,35,50 * * * *',
      '0 0-5 * * *',
      '0 0 * * MON',
      '*/15 9 * * *',
    ])
      assert.is(cronWords(cron), cron);
  });
});
