import { existsSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

suite('engine setup', ({ test, before, after }) => {
  let rig: Rig;
  before(async () => {
    rig = await createRig();
  });
  after(async () => await rig?.cleanup());

  test('outside a project it fetches what the defaults need and says where it is, twice the same', async () => {
    const first = await rig.json('setup');
    assert.is(first.code, 0, first.stderr);
    const prepared = first.documents[0]?.prepared as readonly { readonly what: string; readonly path: string }[];
    assert.equal(prepared.map(({ what }) => what).sort(), ["DuckDB's postgres extension", "dbt's environment"]);
    for (const { path } of prepared) assert.ok(existsSync(path), path);
    assert.equal((await rig.json('setup')).documents, first.documents);
  });

  test("a project's own dbt is left to the project", async () => {
    rig.write('dbt/dbt_project.yml', 'name: shop\n');
    rig.write(
      'pipelines.yaml',
      'version: 1\nsources: { a: { type: postgres, url: embedded } }\nlake: { type: file, path: lake }\nsinks: { b: { type: postgres, url: embedded, schema: staging } }\n' +
        'dbt: { project: dbt, command: /opt/dbt/bin/dbt }\ntables: { t: { key: id } }\npipelines: { p: { mode: full, tables: [t] } }\n',
    );
    const told = await rig.engine('setup');
    assert.is(told.code, 0, told.stderr);
    assert.match(told.stdout, /dbt, the project's own\s+\/opt\/dbt\/bin\/dbt/);
    assert.not.match(told.stdout, /dbt's environment/);
  });
});
