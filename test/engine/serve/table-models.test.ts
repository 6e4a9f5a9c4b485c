import * as assert from 'uvu/assert';
import type { EventBody } from '../../../engine/event.ts';
import { newestBuilds } from '../../../engine/serve/table-models.ts';
import { suite } from '../../support/suite.ts';
import { createStage, type Stage } from './stage.ts';

const built: EventBody = {
  type: 'dbt.result',
  node: 'dbt',
  result: { uniqueId: 'model.shop.people', kind: 'model', name: 'people', status: 'success', durationMs: 5 },
};
const over: readonly EventBody[] = [
  { type: 'node.succeeded', node: 'extract users', result: { summary: '', facts: {} } },
  { type: 'node.succeeded', node: 'load users', result: { summary: '', facts: {} } },
];

suite('the newest builds of a table', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
  });
  after(() => stage?.close());

  const builds = async (): Promise<readonly string[]> => {
    const nodes = await stage.parts.history.tableNodes('users', 100);
    return (await newestBuilds(stage.parts, nodes, undefined)).map(({ runId }) => runId).sort();
  };

  test('are those of the newest run of each pipeline that has one, however many before it are known', async () => {
    await stage.keepRun('run-01', 'nightly', [...over, built, { type: 'run.succeeded' }]);
    await stage.keepRun('run-02', 'sync', [...over, built, { type: 'run.succeeded' }]);
    assert.equal(await builds(), ['run-01', 'run-02']);
    await stage.keepRun('run-03', 'sync', [...over, built, { type: 'run.succeeded' }]);
    assert.equal(await builds(), ['run-01', 'run-03']);
    for (let i = 4; i < 9; i += 1) await stage.keepRun(`run-0${i}`, 'nightly', [...over, { type: 'run.succeeded' }]);
    assert.equal(await builds(), ['run-01', 'run-03']);
    await stage.keepRun('run-09', 'nightly', [...over, built, { type: 'run.succeeded' }]);
    assert.equal(await builds(), ['run-03', 'run-09']);
  });

  test('one of a run at work is none yet, whatever it has built: those before it stay until it is over', async () => {
    await stage.keepRun('run-10', 'sync', over.slice(0, 1));
    assert.equal(await builds(), ['run-03', 'run-09']);
    await stage.keepEvents('run-10', 2, [...over.slice(1), built]);
    assert.equal(await builds(), ['run-03', 'run-09']);
    await stage.keepEvents('run-10', 4, [{ type: 'run.succeeded' }]);
    assert.equal(await builds(), ['run-09', 'run-10']);
  });
});
