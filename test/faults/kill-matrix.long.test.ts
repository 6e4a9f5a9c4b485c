import * as assert from 'uvu/assert';
import { effects } from '../../engine/base/effect.ts';
import { suite } from '../support/suite.ts';
import { killMatrix, showResult } from './kill-matrix.ts';
import { allCells } from './matrix.ts';

suite('the kill matrix on a folder', ({ test }) => {
  test('every effect, before and after, full and incremental, in a folder: killed there, and after one more run source, lake and staging are the same', async () => {
    const cells = allCells('file', 1);
    const results = await killMatrix(cells, (result) => void process.stdout.write(`${showResult(result)}\n`));
    assert.equal(results.filter((r) => r.wrong.length > 0).map(showResult), []);
    assert.is(results.length, Object.keys(effects).length * 4);
    assert.ok(results.every((r) => r.died !== (r.never !== undefined)));
  });

  test('the same at the second table, with the first one done', async () => {
    const late = ['lake.part', 'lake.entry', 'sink.copy', 'sink.ledger', 'sink.commit'];
    const results = await killMatrix(
      allCells('file', 2).filter((cell) => late.includes(cell.effect)),
      (result) => void process.stdout.write(`${showResult(result)}\n`),
    );
    assert.equal(results.filter((r) => r.wrong.length > 0 || !r.died).map(showResult), []);
  });
});
