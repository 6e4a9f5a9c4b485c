import * as assert from 'uvu/assert';
import { missingS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { allCells } from './matrix.ts';
import { showStop, stopMatrix } from './stop-matrix.ts';

const missing = await missingS3('versitygw');

for (const [lake, place] of [
  ['file', 'in a folder'],
  ['s3', 'on S3'],
] as const)
  suite(`a run that stands still in each phase, with the lake ${place}`, ({ test, skip }) => {
    if (lake === 's3' && missing !== undefined) return skip('all of it', missing);
    test('SIGSTOP before and after every effect, another run takes over, SIGCONT: exact at once and after one more run, and what came too late was refused', async () => {
      const results = await stopMatrix(allCells(lake, 1), { waits: false }, (result) => void process.stdout.write(`${showStop(result)}\n`));
      assert.equal(results.filter((r) => r.wrong.length > 0).map(showStop), []);
      assert.ok(results.every((r) => r.stopped !== (r.never !== undefined)));
      assert.ok(results.filter((r) => r.first === 4).length > results.length / 3);
    });
  });
