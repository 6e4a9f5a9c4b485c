import * as assert from 'uvu/assert';
import type { EventBody } from '../../engine/event.ts';
import { type Run, runOf } from '../../engine/run.ts';
import { actionText, askedByText } from '../../ui/asked-by.ts';
import { dbtAgainText, retryNodes } from '../../ui/retry-nodes.ts';
import { stopText } from '../../ui/stop-text.ts';
import { suite } from '../support/suite.ts';
import { runEvents, runNodes } from './run-events.ts';

type Nodes = (EventBody & { type: 'run.started' })['nodes'];

function told(events: readonly EventBody[], nodes: Nodes = runNodes): Run {
  const first: EventBody = {
    ...{ type: 'run.started', pipeline: 'sync', mode: 'incremental', trigger: 'api', engine: '0', host: 'h', pid: 1, request: {} },
    nodes,
  };
  const run = runOf([first, ...events].map((body, seq) => ({ seq, at: '2026-01-31T02:20:00Z', runId: 'r', ...body })));
  if (run === undefined) throw new Error('no run');
  return run;
}

suite('what a page says of a run that is asked for, gone on with or stopped', ({ test }) => {
  test('who asked is one set of words, with the name where it is known', () => {
    assert.equal(
      [
        askedByText('schedule'),
        askedByText('api'),
        askedByText('api', 'ada'),
        askedByText('resume', 'its process died'),
        askedByText('new'),
      ],
      ['schedule', 'page or API', 'ada, page or API', 'daemon: its process died', 'new'],
    );
    assert.equal(['trigger', 'create-token', 'pause'].map(actionText), ['run now', 'create token', 'pause']);
  });

  test('a retry does again what failed, and of dbt only what failed or was skipped in it', () => {
    const run = told(
      runEvents.map((event) =>
        event.type === 'node.failed'
          ? { ...event, result: { summary: '', facts: { failed: ['test.shop.unique_users_id.0123456789'], skipped: ['model.shop.late'] } } }
          : event,
      ),
    );
    const { again, kept, dragged } = retryNodes(run);
    assert.equal([again.map(({ id }) => id), kept.map(({ id }) => id), dragged], [['dbt'], ['extract users', 'load users'], false]);
    assert.equal(again.map(dbtAgainText), ['1 test that failed and 1 that was skipped']);
    assert.equal(kept.map(dbtAgainText), [undefined, undefined]);
  });

  test('a table of the same snapshot is read again with the one that failed', () => {
    const node = (id: string, type: string, needs: readonly string[] = []) => ({ id, type, unit: id, needs });
    const run = told(
      [
        { type: 'node.started', node: 'extract a', attempt: 1 },
        { type: 'node.succeeded', node: 'extract a', result: { summary: '', facts: {} } },
        { type: 'node.started', node: 'load a', attempt: 1 },
        { type: 'node.succeeded', node: 'load a', result: { summary: '', facts: {} } },
      ],
      [
        node('extract a', 'postgres.extract'),
        node('load a', 'postgres.load', ['extract a']),
        node('extract b', 'postgres.extract'),
        node('load b', 'postgres.load', ['extract b']),
      ],
    );
    assert.equal([retryNodes(run).kept, retryNodes(run).dragged], [[], true]);
  });

  test('a cancel says what becomes of each node at work', () => {
    assert.match(stopText({ type: 'dbt.build', state: 'running' }), /models at work are rolled back; those that are built stay/);
    assert.match(stopText({ type: 'postgres.extract', state: 'running' }), /^nothing of it comes into the lake/);
    assert.match(stopText({ type: 'postgres.load', state: 'running' }), /^is rolled back, with all of its unit/);
    assert.is(stopText({ type: 'postgres.load', state: 'retrying' }), 'is not tried again.');
  });
});
