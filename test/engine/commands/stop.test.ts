import * as assert from 'uvu/assert';
import type { Rig } from '../../support/rig.ts';
import { count, openShop, stateOf, stuckRun, until, type World, waits } from '../../support/shop.ts';
import { suite } from '../../support/suite.ts';

suite('stopping a run', ({ test }) => {
  const inWorld = (title: string, body: (world: World) => Promise<void>): void =>
    test(title, async () => {
      const world = await openShop();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });

  for (const [signal, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    inWorld(`${signal} ends the query on the server, cancels the run and exits with ${code}`, async (world) => {
      const { running, runId, unlock } = await stuckRun(world);
      const began = Date.now();
      running.kill(signal);
      const outcome = await running.ended;
      assert.is(outcome.code, code, outcome.stderr);
      assert.ok(Date.now() - began < 5000, `took ${Date.now() - began} ms`);
      assert.match(outcome.stderr, 'cancelled');
      await until('the query is gone', async () => !(await waits(world.source)));
      await unlock();
      assert.is(await stateOf(world.rig, runId), 'cancelled');
      assert.is((await world.rig.engine('retry', runId)).code, 0);
      assert.is(await count(world.warehouse, 'staging.b'), 100);
    });

  inWorld('a run whose output nobody reads any more is cancelled, and ends as by SIGPIPE', async ({ rig, ...world }) => {
    const { running, runId, unlock } = await stuckRun({ rig, ...world });
    running.stopReading();
    await unlock();
    assert.is((await running.ended).code, 141);
    assert.is(await stateOf(rig, runId), 'cancelled');
    assert.is((await rig.engine('retry', runId)).code, 0);
  });

  inWorld('another process can cancel a run, and another run of its tables is refused meanwhile', async (world) => {
    const { rig } = world;
    const { running, runId, unlock } = await stuckRun(world);
    const refused = await rig.engine('run', '--pipeline', 'changes');
    assert.is(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, `run ${runId}`);
    assert.is((await rig.engine('retry', runId)).code, 4);
    assert.match((await rig.engine('status')).stdout, new RegExp(`at work: both, run ${runId}`));
    const cancelled = await rig.engine('cancel', runId);
    assert.is(cancelled.code, 0, cancelled.stderr);
    assert.is(cancelled.stdout, `run ${runId}: cancelled\n`);
    assert.is((await running.ended).code, 1);
    assert.is((await rig.engine('cancel', runId)).code, 4);
    await unlock();
  });

  inWorld('a run that was killed is found interrupted, and the retry ends it', async (world) => {
    const { rig, warehouse } = world;
    const { running, runId, unlock } = await stuckRun(world);
    running.kill('SIGKILL');
    await running.ended;
    await unlock();
    await until('the server has noticed', async () => (await stateOfAfterSweep(rig, runId)) === 'interrupted');
    const { code, stderr } = await rig.engine('retry', runId);
    assert.is(code, 0, stderr);
    assert.is(await count(warehouse, 'staging.a'), 100);
    assert.is(await count(warehouse, 'staging.b'), 100);
  });
});

async function stateOfAfterSweep(rig: Rig, runId: string): Promise<string | undefined> {
  await rig.engine('status');
  return stateOf(rig, runId);
}
