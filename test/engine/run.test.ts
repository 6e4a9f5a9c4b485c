import * as assert from 'uvu/assert';
import type { EventBody } from '../../engine/event.ts';
import { runOf } from '../../engine/run.ts';
import { eventsOf } from '../conformance/store.ts';
import { suite } from '../support/suite.ts';

const start: EventBody = {
  type: 'run.started',
  pipeline: 'p',
  mode: 'full',
  trigger: 'cli',
  nodes: ['a', 'b'].map((id) => ({ id, type: 't', unit: id, needs: [] })),
  engine: '0',
  host: 'h',
  pid: 1,
  request: {},
};

suite('run', ({ test }) => {
  test('no events are no run, and a run begins with its start', () => {
    assert.is(runOf([]), undefined);
    assert.throws(() => runOf(eventsOf('r', 0, { type: 'run.succeeded' })), /begins with run.succeeded/);
  });

  test('an interrupted run leaves no node at work', () => {
    const run = runOf(
      eventsOf(
        'r',
        0,
        start,
        { type: 'node.started', node: 'a', attempt: 1 },
        { type: 'node.succeeded', node: 'a', result: { summary: '', facts: {} } },
        { type: 'node.started', node: 'b', attempt: 1 },
        { type: 'run.interrupted', reason: 'gone' },
      ),
    );
    assert.equal(
      run?.nodes.map((n) => n.state),
      ['succeeded', 'interrupted'],
    );
    assert.is(run?.state, 'interrupted');
    assert.is(run?.endedAt, '2026-01-31T09:00:04.000Z');
  });

  test('a new attempt forgets the models of the one before', () => {
    const result = { uniqueId: 'model.x', kind: 'model', name: 'x', status: 'error', durationMs: 1 } as const;
    const run = runOf(
      eventsOf(
        'r',
        0,
        start,
        { type: 'node.started', node: 'a', attempt: 1 },
        { type: 'dbt.result', node: 'a', result },
        { type: 'node.started', node: 'a', attempt: 2 },
        { type: 'dbt.result', node: 'a', result: { ...result, status: 'success' } },
      ),
    );
    assert.equal(
      run?.nodes[0]?.dbt.map((d) => d.status),
      ['success'],
    );
    assert.is(run?.nodes[0]?.startedAt, '2026-01-31T09:00:01.000Z');
  });

  test('a run has what models read, and leaves their statements to be asked for', () => {
    const result = { uniqueId: 'model.x', kind: 'model', name: 'x', status: 'success', durationMs: 1, relation: 'analytics.x' } as const;
    const run = runOf(eventsOf('r', 0, start, { type: 'dbt.result', node: 'a', result: { ...result, compiledSql: 'select 1' } }));
    assert.equal(run?.nodes[0]?.dbt, [result]);
  });

  test('each attempt has its times and its error, and says when the next begins', () => {
    const error = { code: 'x', trouble: 'outside', message: 'locked', retryable: true } as const;
    const run = runOf(
      eventsOf(
        'r',
        0,
        start,
        { type: 'node.started', node: 'a', attempt: 1 },
        { type: 'node.retrying', node: 'a', attempt: 1, delayMs: 500, error },
        { type: 'node.started', node: 'a', attempt: 2 },
        { type: 'run.cancelled', reason: 'asked for by somebody' },
      ),
    );
    const at = (s: number): string => `2026-01-31T09:00:0${s}.000Z`;
    assert.equal(run?.nodes[0]?.attempts, [
      { attempt: 1, startedAt: at(1), endedAt: at(2), error, retryAt: '2026-01-31T09:00:02.500Z' },
      { attempt: 2, startedAt: at(3), endedAt: at(4), error: undefined, retryAt: undefined },
    ]);
    assert.is(run?.reason, 'asked for by somebody');
  });
});
