import * as assert from 'uvu/assert';
import type { QueueEntry } from '../../../engine/queue.ts';
import { type LiveRun, takeTurns } from '../../../engine/schedule/startable.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';

const tables = ['users', 'orders', 'items'].map((name) => tableOf(name));
const pipelines = [
  pipelineOf('users', ['users']),
  pipelineOf('users_full', ['users'], { mode: 'full' }),
  pipelineOf('orders', ['orders', 'items']),
  pipelineOf('all', ['public.*'], { mode: 'full' }),
  pipelineOf('models', [], { dbt: ['users'] }),
];
const config = (maxConcurrentRuns = 4) => configOf(tables, pipelines, { daemon: { ...configOf([], []).daemon, maxConcurrentRuns } });
const entry = (id: number, pipeline: string): QueueEntry => ({
  id,
  pipeline,
  kind: 'fire',
  scheduledAt: '2026-05-04T12:00:00.000Z',
  retryOf: undefined,
  request: {},
  askedBy: 'schedule',
  state: 'queued',
  reason: undefined,
  runId: undefined,
  notedAt: '2026-05-04T12:00:00.000Z',
});
const live = (pipeline: string, names: readonly string[] | undefined, byDaemon = true): LiveRun => ({
  runId: `RUN-${pipeline}`,
  pipeline,
  tables: names,
  byDaemon,
});
const acts = (turns: ReturnType<typeof takeTurns>): readonly string[] =>
  turns.map((t) => `${t.entry.pipeline} ${t.act}${t.act === 'start' ? '' : `: ${t.reason}`}`);

suite('who may start', ({ test }) => {
  test('pipelines that share no table start together', () => {
    assert.equal(acts(takeTurns(config(), [entry(1, 'users'), entry(2, 'orders'), entry(3, 'models')], [], [])), [
      'users start',
      'orders start',
      'models start',
    ]);
  });

  test('a pipeline waits for its own run, and for whoever has one of its tables, started by whomever', () => {
    assert.equal(acts(takeTurns(config(), [entry(1, 'users')], [live('users', ['users'])], [])), [
      'users wait: waits for run RUN-users (users)',
    ]);
    assert.equal(acts(takeTurns(config(), [entry(1, 'users')], [live('users_full', ['users'], false)], [])), [
      'users wait: waits for run RUN-users_full (users_full), which has table users',
    ]);
  });

  test('of two that share a table, the older goes first, also when it waits itself', () => {
    assert.equal(acts(takeTurns(config(), [entry(1, 'users_full'), entry(2, 'users')], [], [])), [
      'users_full start',
      'users wait: waits for a run of users_full that begins, which has table users',
    ]);
    const [first, second] = acts(takeTurns(config(), [entry(1, 'all'), entry(2, 'users')], [live('orders', ['orders'])], []));
    assert.match(first ?? '', /^all wait: waits for run RUN-orders/);
    assert.match(second ?? '', /^users wait: waits for a run of all that waits itself/);
  });

  test('tables that only a pattern names may be any', () => {
    assert.match(acts(takeTurns(config(), [entry(1, 'users')], [live('all', undefined)], []))[0] ?? '', /tables that may be the same/);
    assert.equal(
      acts(takeTurns(config(), [entry(1, 'models')], [live('all', undefined)], [])),
      ['models start'],
      'no table at all is shared with none',
    );
  });

  test('no more runs than allowed; those of people do not count', () => {
    const waiting = [entry(1, 'users'), entry(2, 'orders')];
    assert.match(acts(takeTurns(config(1), waiting, [], []))[1] ?? '', /^orders wait: waits for one of 1 runs to end/);
    assert.equal(acts(takeTurns(config(1), [entry(2, 'orders')], [live('users', ['users'], false)], [])), ['orders start']);
  });

  test('what has begun and has no run yet is not begun again, and counts', () => {
    assert.equal(acts(takeTurns(config(), [entry(1, 'users'), entry(2, 'users_full')], [], [entry(1, 'users')])), [
      'users_full wait: waits for a run of users that begins, which has table users',
    ]);
  });

  test('a pipeline that is not there any more is taken off the queue', () => {
    assert.equal(acts(takeTurns(config(), [entry(1, 'gone')], [], [])), ['gone end: there is no pipeline gone any more']);
  });
});
