import * as assert from 'uvu/assert';
import { pageOf } from '../../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { schemathesis } from './schemathesis.ts';

suite('the API of a daemon at work', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  before(async () => {
    source = await freshDatabase('api');
    warehouse = await freshDatabase('api_dw');
    const from = await source.client();
    for (const table of ['users', 'orders'])
      await from.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO ${table} SELECT g FROM generate_series(1, 9) g`,
      );
    rig = await createRig({
      'pipelines.yaml': `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { key: id, cursor: updated_at }
tables: { users: {}, orders: {} }
pipelines:
  users: { mode: incremental, tables: [users], schedule: "* * * * *" }
  orders: { mode: full, tables: [orders] }
  all: { mode: full, tables: ["public.*"] }
`,
    });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    assert.is((await rig.engine('run', '--pipeline', 'users')).code, 0);
    assert.is((await rig.engine('run', '--pipeline', 'all')).code, 0);
  });
  after(async () => {
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  test('schemathesis asks everything for two minutes, while runs come and go: no 5xx, and the daemon goes on', async () => {
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    const url = await pageOf(daemon);
    const { code, output } = await schemathesis(url, rig.root, { phases: 'coverage,fuzzing,stateful', maxTimeS: 120 });
    assert.is(code, 0, `${output.slice(-8_000)}\n${daemon.stderr().slice(-4_000)}`);
    assert.match(output, /\d{3,} generated/);
    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
  });
});
