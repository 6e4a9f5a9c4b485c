import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { showStop, stopMatrix } from './stop-matrix.ts';

suite('a run that stands still', ({ test }) => {
  test('before the commit to the lake: ten seconds later another run takes over, and the first one is refused when it wakes up', async () => {
    const [result] = await stopMatrix(
      [{ effect: 'lake.entry', when: 'before', mode: 'incremental', lake: 'file', nth: 1 }],
      { waits: true },
      () => undefined,
    );
    assert.equal([result?.stopped, result?.first, result?.wrong], [true, 4, []]);
  });

  test('before the commit to the sink, and after it: another run takes over, all is exact, and nothing is committed twice', async () => {
    const results = await stopMatrix(
      (['before', 'after'] as const).map((when) => ({ effect: 'sink.commit', when, mode: 'incremental', lake: 'file', nth: 1 })),
      { waits: false },
      () => undefined,
    );
    assert.equal(results.filter((r) => !r.stopped || r.wrong.length > 0).map(showStop), []);
    assert.is(results[0]?.first, 4);
  });
});
