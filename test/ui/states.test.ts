import * as assert from 'uvu/assert';
import { dbtLook, isLive, lookOf } from '../../ui/states.ts';
import { suite } from '../support/suite.ts';

suite('states on the page', ({ test }) => {
  test('no two states of a run or node are told apart by their colour alone', () => {
    const states = ['succeeded', 'running', 'retrying', 'failed', 'skipped', 'cancelled', 'interrupted', 'queued', 'paused'];
    const shapes = states.map((state) => lookOf(state).shape);
    assert.is(new Set(shapes).size, states.length);
    assert.equal(
      states.map((state) => lookOf(state).word),
      states,
    );
  });

  test('a state that the page does not know is shown by its name', () => {
    assert.is(lookOf('hibernating').word, 'hibernating');
    assert.is(lookOf('constructor').word, 'constructor');
    assert.is(dbtLook('runtime error').word, 'runtime error');
  });

  test('what dbt says has the shape of what it means', () => {
    assert.equal(
      ['success', 'pass', 'warn', 'error', 'fail', 'skipped'].map((status) => dbtLook(status).shape),
      ['dot', 'dot', 'waiting-ring', 'cross', 'cross', 'dash'],
    );
  });

  test('what waits or works is live', () => {
    assert.equal(['queued', 'running', 'retrying', 'succeeded', 'interrupted'].map(isLive), [true, true, true, false, false]);
  });
});
