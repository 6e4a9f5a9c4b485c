import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { allCells } from './matrix.ts';
import { showStop, stopMatrix } from './stop-matrix.ts';

suite('a run that stands still in each phase', ({ test }) => {
  test('SIGSTOP before and after every effect, another run takes over, SIGCONT: exact at once and after one more run, and what came too late was refused', async () => {
    const results = await stopMatrix(allCells('file', 1), { waits: false }, (result) => void process.stdout.write(`${showStop(result)}\n`));
    assert.equal(results.filter((r) => r.wrong.length > 0).map(showStop), []);
    assert.ok(results.every((r) => r.stopped !== (r.never !== undefined)));
    assert.ok(results.filter((r) => r.first === 4).length > results.length / 3);
  });
});
