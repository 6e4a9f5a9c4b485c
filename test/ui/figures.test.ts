import * as assert from 'uvu/assert';
import { medianText, shortCount, spanText } from '../../ui/figures.ts';
import { suite } from '../support/suite.ts';

suite('figures on the page', ({ test }) => {
  test('a count that fits in a narrow column keeps three digits, and is whole below ten thousand', () => {
    const shown = [
      0, 7, 999, 9_999, 10_000, 18_249, 99_949, 99_950, 999_499, 999_500, 1_240_000, 12_345_678, 999_499_999, 3_100_000_000, 2e12,
    ];
    assert.equal(shown.map(shortCount), [
      '0',
      '7',
      '999',
      '9,999',
      '10.0k',
      '18.2k',
      '99.9k',
      '100k',
      '999k',
      '1.00M',
      '1.24M',
      '12.3M',
      '999M',
      '3.10B',
      '2.00T',
    ]);
  });

  test('a median says of which runs it is: of those that are shown the ones that succeeded', () => {
    const runs = (['succeeded', 'failed', 'running', 'succeeded', 'interrupted'] as const).map((state) => ({ state }));
    assert.is(medianText(runs), '2 of the last 5 runs succeeded: at least half of those took no longer');
    assert.is(medianText(runs.slice(0, 1)), '1 of the last 1 run succeeded: at least half of those took no longer');
  });

  test('a span is said in its two largest units at most', () => {
    const [s, m, h, d] = [1_000, 60_000, 3_600_000, 86_400_000];
    assert.equal(
      [-5, 0, 999, 59.9 * s, m, 59 * m + 59 * s, h, 3 * h + 12 * m, 23 * h + 59 * m, d, 2 * d + 4 * h, 6 * d + 23 * h, 12 * d].map(
        spanText,
      ),
      ['0 s', '0 s', '0 s', '59 s', '1 m', '59 m', '1 h', '3 h 12 m', '23 h 59 m', '1 d', '2 d 4 h', '6 d 23 h', '12 d'],
    );
  });
});
