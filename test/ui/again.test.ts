import * as assert from 'uvu/assert';
import { createRandom } from '../../generators/random.ts';
import { againAfterMs } from '../../ui/again.ts';
import { suite } from '../support/suite.ts';

suite('pages that come back to a daemon', ({ test }) => {
  test('wait between one and three seconds', () => {
    assert.equal([0, 0.25, 0.5, 1].map(againAfterMs), [1000, 1500, 2000, 3000]);
  });

  test('200 pages that lost it at the same moment are spread over the whole of it', () => {
    const random = createRandom(1, 'pages');
    const tenths = new Array<number>(20).fill(0);
    for (let page = 0; page < 200; page += 1) {
      const tenth = Math.min(19, Math.floor((againAfterMs(random.next()) - 1000) / 100));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    assert.ok(Math.max(...tenths) <= 25 && Math.min(...tenths) >= 1, tenths.join(' '));
  });
});
