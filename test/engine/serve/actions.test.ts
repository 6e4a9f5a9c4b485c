import * as assert from 'uvu/assert';
import type { ActionsPage, PipelinePage, Queued, RunPage } from '../../../engine/api.ts';
import type { QueueEntry } from '../../../engine/queue.ts';
import { suite } from '../../support/suite.ts';
import { createStage, type Stage } from './stage.ts';

suite('actions', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
  });
  after(() => stage?.close());
  const post = <T>(path: string, json?: unknown) =>
    stage.ask<T>(`/api/v1${path}`, { method: 'POST', ...(json === undefined ? {} : { json }) });
  const error = { type: 'run.failed', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } } as const;

  test('a run that is asked for waits with what it was asked for, and can be taken off again', async () => {
    const plain = await post<Queued>('/pipelines/sync/runs');
    assert.is(plain.status, 202);
    const picked = await post<Queued>('/pipelines/sync/runs', { tables: ['users'], fullRefresh: true });
    assert.equal(
      [picked.body.entry.kind, picked.body.entry.request, picked.body.entry.askedBy],
      ['trigger', { tables: ['users'], fullRefresh: true }, 'local'],
    );
    assert.equal(
      (await stage.ask<readonly QueueEntry[]>('/api/v1/queue')).body.map(({ id }) => id),
      [plain.body.entry.id, picked.body.entry.id],
    );
    assert.is((await stage.ask(`/api/v1/queue/${plain.body.entry.id}`, { method: 'DELETE' })).status, 200);
    assert.is((await stage.ask(`/api/v1/queue/${plain.body.entry.id}`, { method: 'DELETE' })).status, 409);
    assert.is((await stage.ask('/api/v1/queue/999', { method: 'DELETE' })).status, 404);
    assert.match((await stage.queue.entry(plain.body.entry.id))?.reason ?? '', /taken off the queue by local/);
    await stage.queue.end(picked.body.entry.id, 'cancelled', 'over');
  });

  test('what is not there, and too many at once, are refused', async () => {
    assert.is((await post('/pipelines/snc/runs')).error?.hint, 'Did you mean sync?');
    assert.equal([(await post('/pipelines/sync/runs', { tables: ['cats'] })).error?.code], ['plan.unknown-table']);
    const ids: number[] = [];
    for (let i = 0; i < 100; i += 1) ids.push((await post<Queued>('/pipelines/nightly/runs')).body.entry.id);
    assert.equal([(await post('/pipelines/nightly/runs')).error?.code], ['queue.full']);
    assert.is((await post('/pipelines/sync/runs')).status, 202, 'others are not kept from it');
    for (const { id } of await stage.queue.waiting()) await stage.queue.end(id, 'cancelled', 'over');
  });

  test('a run that failed is gone on with once, however often that is asked', async () => {
    await stage.keepRun('run-1', 'sync', [error]);
    const [one, two] = [await post<Queued>('/runs/run-1/retry'), await post<Queued>('/runs/run-1/retry')];
    assert.equal([one.status, two.status, one.body.entry.id], [202, 202, two.body.entry.id]);
    assert.equal([one.body.entry.kind, one.body.entry.retryOf], ['resume', 'run-1']);
    await stage.queue.end(one.body.entry.id, 'cancelled', 'over');
    const again = await post<Queued>('/runs/run-1/retry');
    assert.equal(
      [again.status, again.body.entry.state, again.body.entry.retryOf],
      [202, 'queued', 'run-1'],
      'it was taken off the queue before',
    );
    await stage.keepRun('run-2', 'sync', [error], { retryOf: 'run-1', queued: again.body.entry.id, trigger: 'resume' });
    const late = await post('/runs/run-1/retry');
    assert.equal([late.status, late.error?.code], [409, 'run.retried']);
    assert.is((await stage.ask<RunPage>('/api/v1/runs/run-1')).body.retriedBy, 'run-2');
    await stage.keepRun('run-3', 'sync', [{ type: 'run.succeeded' }]);
    assert.is((await post('/runs/run-3/retry')).error?.code, 'run.succeeded');
    assert.is((await post('/runs/nobody/retry')).status, 404);
  });

  test('a live run is asked to stop, one that has ended is not', async () => {
    await stage.keepRun('run-4', 'sync');
    assert.is((await post('/runs/run-4/retry')).error?.code, 'run.live');
    assert.is((await post('/runs/run-4/cancel')).status, 202);
    assert.is(await stage.store.cancelRequestedBy('run-4'), 'local');
    assert.is((await post('/runs/run-3/cancel')).error?.code, 'run.not-live');
  });

  test('a pipeline is paused and resumed', async () => {
    await post('/pipelines/sync/pause');
    const paused = (await stage.ask<PipelinePage>('/api/v1/pipelines/sync')).body;
    assert.equal([paused.paused?.by, paused.next], ['local', undefined]);
    assert.ok(Date.parse(paused.paused?.at ?? '') > 0);
    await post('/pipelines/sync/resume');
    assert.is((await stage.ask<PipelinePage>('/api/v1/pipelines/sync')).body.paused, undefined);
  });

  test('each action is kept with who, when, what, from where and its outcome, refused ones too', async () => {
    const token = await stage.makeToken('alice');
    await stage.ask('/api/v1/pipelines/sync/pause', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.7' },
    });
    await post('/pipelines/nobody/pause');
    const { actions } = (await stage.ask<ActionsPage>('/api/v1/actions?limit=2')).body;
    assert.equal(
      actions.map(({ who, from, action, subject, outcome }) => [who, from, action, subject, outcome]),
      [
        ['local', '127.0.0.1', 'pause', 'nobody', 'refused: there is no pipeline nobody'],
        ['alice', '127.0.0.1, for 203.0.113.7', 'pause', 'sync', 'paused'],
      ],
    );
    assert.ok(Math.abs(Date.now() - Date.parse(actions[0]?.at ?? '')) < 60_000);
    const older = (await stage.ask<ActionsPage>(`/api/v1/actions?before=${actions[1]?.id}&limit=500`)).body;
    const kinds = new Set(older.actions.map(({ action }) => action));
    assert.equal([...kinds].sort(), ['cancel', 'dequeue', 'pause', 'resume', 'retry', 'trigger']);
    assert.is(older.next, undefined);
  });

  test('what asked for a run says what became of it: it waits, it is at work, it ended, it never began', async () => {
    const ask = async (): Promise<number> => (await post<Queued>('/pipelines/nightly/runs')).body.entry.id;
    const [waits, begins, never] = [await ask(), await ask(), await ask()];
    await stage.keepRun('asked-1', 'nightly', [error], { queued: begins, trigger: 'api' });
    await stage.queue.end(never, 'cancelled', 'over');
    const { actions } = (await stage.ask<ActionsPage>('/api/v1/actions?limit=3')).body;
    assert.equal(
      actions.map(({ asked }) => asked),
      [
        { queued: never, state: 'cancelled', reason: 'over' },
        { queued: begins, state: 'failed', runId: 'asked-1' },
        { queued: waits, state: 'queued' },
      ],
    );
    assert.is((await stage.ask<RunPage>('/api/v1/runs/asked-1')).body.askedBy, 'local');
    assert.is((await stage.ask<RunPage>('/api/v1/runs/run-1')).body.askedBy, undefined, 'it began in a terminal');
    await stage.queue.end(waits, 'cancelled', 'over');
  });

  test('a secret in a name does not come into the record of an action', async () => {
    const { keepSecret } = await import('../../../engine/base/secret.ts');
    keepSecret('hunter2secret');
    await post('/pipelines/hunter2secret/pause');
    const text = JSON.stringify((await stage.ask('/api/v1/actions?limit=1')).body);
    assert.match(text, /\*\*\*/);
    assert.not.match(text, /hunter2secret/);
  });
});
