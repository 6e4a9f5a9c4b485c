import * as assert from 'uvu/assert';
import type { RunPage } from '../../../engine/api.ts';
import type { RunDbt, RunPlan } from '../../../engine/api-run.ts';
import type { DbtResult } from '../../../engine/event.ts';
import { suite } from '../../support/suite.ts';
import { createStage, plan, type Stage } from './stage.ts';

suite('what of a run is asked for apart', ({ test, before, after }) => {
  let stage: Stage;
  const model = (name: string, more: Partial<DbtResult> = {}): DbtResult => ({
    uniqueId: `model.shop.${name}`,
    kind: 'model',
    name,
    status: 'success',
    durationMs: 7,
    relation: `analytics.${name}`,
    compiledSql: `select '${name}'`,
    ...more,
  });
  before(async () => {
    stage = await createStage();
    await stage.keepRun('run-1', 'sync', [
      { type: 'run.planned', plan, leftOut: ['3 of 9 statements'] },
      { type: 'node.started', node: 'dbt', attempt: 1 },
      { type: 'dbt.result', node: 'dbt', result: model('users', { status: 'error', compiledSql: 'select no' }) },
      { type: 'node.started', node: 'dbt', attempt: 2 },
      { type: 'dbt.result', node: 'dbt', result: model('users') },
      { type: 'dbt.result', node: 'dbt', result: model('orders') },
      { type: 'run.succeeded' },
    ]);
    await stage.keepRun('run-0', 'sync', [{ type: 'run.succeeded' }]);
  });
  after(() => stage?.close());

  test('the plan is the one that the run began with, and says what of it was not kept', async () => {
    const { status, body } = await stage.ask<RunPlan>('/api/v1/runs/run-1/plan');
    assert.is(status, 200);
    assert.equal([body.plan.fingerprint, body.leftOut], ['f', ['3 of 9 statements']]);
  });

  test('a run of an engine that kept no plan says so', async () => {
    const { status, error } = await stage.ask('/api/v1/runs/run-0/plan');
    assert.equal([status, error?.code], [404, 'run.no-plan']);
    assert.is((await stage.ask('/api/v1/runs/nobody/plan')).error?.code, 'run.unknown');
  });

  test('models of the newest attempt come with their SQL, one of them when one is asked for', async () => {
    const { body } = await stage.ask<RunDbt>('/api/v1/runs/run-1/dbt');
    assert.equal(body.results, [
      { node: 'dbt', result: model('users') },
      { node: 'dbt', result: model('orders') },
    ]);
    const one = await stage.ask<RunDbt>('/api/v1/runs/run-1/dbt?node=dbt&id=model.shop.orders');
    assert.equal(one.body.results, [{ node: 'dbt', result: model('orders') }]);
    assert.equal((await stage.ask<RunDbt>('/api/v1/runs/run-1/dbt?node=load')).body.results, []);
  });

  test('neither comes with the run, its log or its stream', async () => {
    const { run } = (await stage.ask<RunPage>('/api/v1/runs/run-1')).body;
    assert.not.match(JSON.stringify(run), /compiledSql|fingerprint/);
    assert.not.match((await stage.ask('/api/v1/runs/run-1/log.txt')).text, /planned|fingerprint/);
    const { text } = await stage.ask('/api/v1/runs/run-1/stream');
    assert.not.match(text, /compiledSql|fingerprint/);
    assert.match(text, /"relation":"analytics.orders"/);
    assert.equal(
      [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
      [1, 3, 4, 5, 6, 7, 8],
    );
  });
});
