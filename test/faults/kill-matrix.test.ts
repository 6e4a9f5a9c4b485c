import * as assert from 'uvu/assert';
import type { Effect } from '../../engine/base/effect.ts';
import { suite } from '../support/suite.ts';
import { killMatrix, showResult } from './kill-matrix.ts';
import type { Cell } from './matrix.ts';

const cell = (mode: Cell['mode'], when: Cell['when'], effect: Effect, nth = 1): Cell => ({ effect, when, mode, lake: 'file', nth });

/** Of the whole matrix, those where most could go wrong: between what is durable in one place and what another place knows of it. */
const telling: readonly Cell[] = [
  cell('incremental', 'after', 'lake.entry'),
  cell('incremental', 'before', 'lake.checkpoint'),
  cell('incremental', 'before', 'sink.ledger'),
  cell('incremental', 'after', 'sink.commit'),
  cell('incremental', 'before', 'lake.entry', 2),
  cell('full', 'before', 'sink.commit'),
  cell('full', 'after', 'sink.shape'),
];

suite('a run killed at an effect', ({ test }) => {
  test('in seven places of the kill matrix: it dies there, and after one more run source, lake and staging are the same', async () => {
    const results = await killMatrix(telling, () => undefined);
    assert.equal(results.filter((r) => r.wrong.length > 0 || !r.died).map(showResult), []);
  });

  test('an effect that never comes does not pass for one that was survived', async () => {
    const cells = [cell('full', 'before', 'sink.merge'), cell('incremental', 'before', 'sink.merge', 9)];
    const [never, missing] = await killMatrix(cells, () => undefined);
    assert.equal([never?.died, never?.never, never?.wrong], [false, 'a full load copies straight into staging', []]);
    assert.equal(missing?.wrong, ['the effect did not come']);
  });
});
