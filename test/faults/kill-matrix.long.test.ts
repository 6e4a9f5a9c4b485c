import * as assert from 'uvu/assert';
import { effects } from '../../engine/base/effect.ts';
import { missingS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';
import { killMatrix, showResult } from './kill-matrix.ts';
import { allCells } from './matrix.ts';

const missing = await missingS3('versitygw');

for (const [lake, place] of [
  ['file', 'in a folder'],
  ['s3', 'on S3'],
] as const)
  suite(`the kill matrix, with the lake ${place}`, ({ test, skip }) => {
    if (lake === 's3' && missing !== undefined) return skip('all of it', missing);
    test('every effect, before and after, full and incremental: killed there, and after one more run source, lake and staging are the same', async () => {
      const results = await killMatrix(allCells(lake, 1), (result) => void process.stdout.write(`${showResult(result)}\n`));
      assert.equal(results.filter((r) => r.wrong.length > 0).map(showResult), []);
      assert.is(results.length, Object.keys(effects).length * 4);
      assert.ok(results.every((r) => r.died !== (r.never !== undefined)));
    });

    test('the same at the second table, with the first one done', async () => {
      const late = ['lake.part', 'lake.entry', 'sink.copy', 'sink.ledger', 'sink.commit'];
      const results = await killMatrix(
        allCells(lake, 2).filter((cell) => late.includes(cell.effect)),
        (result) => void process.stdout.write(`${showResult(result)}\n`),
      );
      assert.equal(results.filter((r) => r.wrong.length > 0 || !r.died).map(showResult), []);
    });
  });
