import * as assert from 'uvu/assert';
import type { JsonDocument } from '../../support/rig.ts';
import { count, openShop, stateOf, type World } from '../../support/shop.ts';
import { suite } from '../../support/suite.ts';

function nodesWith(documents: readonly JsonDocument[], type: string): readonly unknown[] {
  return documents.filter((d) => d.type === type).map((d) => d.node);
}

suite('engine run', ({ test }) => {
  const inWorld = (title: string, body: (world: World) => Promise<void>): void =>
    test(title, async () => {
      const world = await openShop();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });

  inWorld('a run tells its events as JSON lines, and can be looked at afterwards', async ({ rig, warehouse }) => {
    const { code, documents, stderr } = await rig.json('run', '--pipeline', 'both');
    assert.is(code, 0, stderr);
    assert.is(documents[0]?.type, 'run.started');
    assert.is(documents.at(-1)?.type, 'run.succeeded');
    assert.equal([...nodesWith(documents, 'node.succeeded')].sort(), [
      'extract a',
      'extract b',
      'load a',
      'load b',
      'truncate a',
      'truncate b',
    ]);
    assert.is(await count(warehouse, 'staging.a'), 100);
    const runId = String(documents[0]?.runId);
    assert.is(await stateOf(rig, runId), 'succeeded');
    assert.match((await rig.engine('logs', runId)).stdout, /\+ load a: /);
    assert.match((await rig.engine('logs', runId, '--node', 'load a')).stdout, /^[^\n]*load a/);
    assert.match((await rig.engine('status')).stdout, new RegExp(`both +succeeded .* ${runId}`));
    const again = await rig.engine('retry', runId);
    assert.is(again.code, 0);
    assert.match(again.stderr, 'there is nothing to do again');
  });

  inWorld('before the first run the state store is not made by looking', async ({ rig, warehouse }) => {
    assert.match((await rig.engine('runs')).stdout, 'no runs yet');
    assert.match((await rig.engine('status')).stdout, /both +never run/);
    assert.is((await rig.engine('logs', 'x')).code, 2);
    const { rows } = await warehouse.query("SELECT 1 FROM pg_namespace WHERE nspname = 'engine'");
    assert.is(rows.length, 0);
  });

  inWorld('a load that fails leaves its sibling alone, and the retry does only what is missing', async ({ rig, warehouse }) => {
    assert.is((await rig.engine('run', '--pipeline', 'both')).code, 0);
    await warehouse.query(`CREATE FUNCTION staging.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
      CREATE TRIGGER no BEFORE INSERT ON staging.b FOR EACH STATEMENT EXECUTE FUNCTION staging.no()`);
    const failed = await rig.engine('run', '--pipeline', 'both');
    assert.is(failed.code, 1, failed.stderr);
    assert.match(failed.stderr, 'not today');
    const runId = /engine retry (\w{26})/.exec(failed.stderr)?.[1] ?? '';
    assert.is(await count(warehouse, 'staging.b'), 100);
    await warehouse.query('DROP TRIGGER no ON staging.b');
    const { code, documents, stderr } = await rig.json('retry', runId);
    assert.is(code, 0, stderr);
    assert.equal([...nodesWith(documents, 'node.kept')].sort(), ['extract a', 'extract b', 'load a', 'truncate a']);
    assert.equal([...nodesWith(documents, 'node.succeeded')].sort(), ['load b', 'truncate b']);
  });

  inWorld('a server that cannot be reached is exit 3, with no password in sight', async ({ rig }) => {
    rig.env.WAREHOUSE_URL = 'postgresql://someone:sesame-open@127.0.0.1:1/none';
    const { code, stdout, stderr } = await rig.engine('run', '--pipeline', 'both');
    assert.is(code, 3);
    assert.not.match(stdout + stderr, 'sesame-open');
    assert.match(stderr, 'what to do');
  });

  inWorld('a saved plan runs as long as nothing moved, and is refused afterwards', async ({ rig }) => {
    assert.is((await rig.engine('run', '--pipeline', 'both', '--dry-run')).code, 0);
    assert.is((await rig.engine('plan', '--pipeline', 'both', '--out', 'plan.json')).code, 0);
    const first = await rig.engine('run', '--plan', 'plan.json');
    assert.is(first.code, 0, first.stderr);
    const second = await rig.engine('run', '--plan', 'plan.json');
    assert.is(second.code, 4, second.stderr);
    assert.is((await rig.engine('run', '--plan', 'plan.json', '--pipeline', 'both')).code, 2);
    assert.is((await rig.engine('run')).code, 2);
  });
});
