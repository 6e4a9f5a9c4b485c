import * as assert from 'uvu/assert';
import type { EventBody } from '../../../engine/event.ts';
import { logLevel, logText } from '../../../engine/reporters/log-line.ts';
import { suite } from '../../support/suite.ts';

suite('lines of a log', ({ test }) => {
  const line = (body: EventBody): readonly [string, string | undefined] => {
    const event = { seq: 1, at: '2026-01-31T09:00:00.000Z', runId: 'r', ...body };
    return [logLevel(event), logText(event)];
  };
  const error = { code: 'x.y', trouble: 'failed', message: 'it broke', hint: 'mend it', retryable: false } as const;

  test('have the words of the event without colours, and a level by how bad it is', () => {
    assert.equal(line({ type: 'log', level: 'debug', node: 'load users', text: 'details' }), ['debug', 'details']);
    assert.equal(line({ type: 'node.started', node: 'load users', attempt: 1 }), ['info', 'load users: started']);
    assert.equal(line({ type: 'node.failed', node: 'load users', error }), ['error', 'x load users: it broke (x.y)\nwhat to do: mend it']);
    assert.is(line({ type: 'node.retrying', node: 'load users', attempt: 1, delayMs: 1000, error })[0], 'warn');
    assert.is(line({ type: 'run.interrupted', reason: 'gone' })[0], 'error');
    assert.is(line({ type: 'run.succeeded' })[0], 'info');
    assert.is(line({ type: 'node.progress', node: 'load users', progress: { rows: 1 } })[1], undefined);
  });

  test('of dbt: a test that failed is an error, a skipped one is not, a passed one has no line', () => {
    const result = (status: 'pass' | 'fail' | 'warn' | 'skipped') =>
      line({ type: 'dbt.result', node: 'dbt users', result: { uniqueId: 'u', kind: 'test', name: 't', status, durationMs: 1 } });
    assert.is(result('fail')[0], 'error');
    assert.is(result('warn')[0], 'warn');
    assert.is(result('skipped')[0], 'warn');
    assert.equal(result('pass'), ['info', undefined]);
  });
});
