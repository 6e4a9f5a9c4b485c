import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { type FaultResult, openStruckProject, postgresFaults, showFaultResult } from './postgres-faults.ts';

suite('every fault at every operation on Postgres', ({ test }) => {
  test('delays, cuts, lost answers and a server that goes away, at source, sink and state store: the run ends well or says why, and all is exact', async () => {
    const results: FaultResult[] = [];
    const struck = await openStruckProject();
    try {
      for (const fault of postgresFaults) {
        const result = await struck.strike(fault);
        process.stdout.write(`${showFaultResult(result)}\n`);
        results.push(result);
      }
    } finally {
      await struck.close();
    }
    assert.equal(results.filter((r) => r.wrong.length > 0).map(showFaultResult), []);
    assert.ok(results.filter((r) => r.code === 0).length > results.length / 2);
  });
});
