import * as assert from 'uvu/assert';
import { missingS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { showFaultResult } from './postgres-faults.ts';
import { openStruckLake, s3Faults } from './s3-faults.ts';
import { strikeAll } from './strike.ts';

const missing = await missingS3('versitygw');

suite('every fault at every operation on S3', ({ test, skip }) => {
  if (missing !== undefined) return skip('all of it', missing);
  test('delays, cuts, lost answers, 503 and errors inside a 200, once and more often than a request is tried: the run ends well or says why, and all is exact', async () => {
    const results = await strikeAll(s3Faults, await openStruckLake());
    assert.equal(results.filter((r) => r.wrong.length > 0).map(showFaultResult), []);
    assert.ok(results.filter((r) => r.code === 0).length > results.length / 2);
  });
});
