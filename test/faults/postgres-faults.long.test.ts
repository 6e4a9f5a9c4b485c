import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { openStruckProject, postgresFaults, showFaultResult } from './postgres-faults.ts';
import { strikeAll } from './strike.ts';

suite('every fault at every operation on Postgres', ({ test }) => {
  test('delays, cuts, lost answers and a server that goes away, at source, sink and state store: the run ends well or says why, and all is exact', async () => {
    const results = await strikeAll(postgresFaults, await openStruckProject());
    assert.equal(results.filter((r) => r.wrong.length > 0).map(showFaultResult), []);
    assert.ok(results.filter((r) => r.code === 0).length > results.length / 2);
  });
});
