import * as assert from 'uvu/assert';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const project = (sources: string): string => `version: 1
sources:
${sources}
lake: { type: file, path: .engine/lake }
sinks: { warehouse: { type: postgres, url: "\${TARGET}", schema: staging } }
tables: { users: { source: first, key: id, cursor: updated_at } }
pipelines: { users: { mode: full, tables: [users] } }
`;
const one = '  first: { type: postgres, url: "${TARGET}" }';
const two = `${one}\n  second: { type: postgres, url: "\${TARGET}" }`;

suite('engine generate', (s) => {
  let database: TestDatabase;
  let rig: Rig;
  s.before(async () => {
    database = await freshDatabase('generate_command');
    rig = await createRig({ 'pipelines.yaml': project(one), 'two.yaml': project(two) });
    rig.env.TARGET = database.url;
  });
  s.after(async () => {
    await rig?.cleanup();
    await database?.drop();
  });

  s.test('initial says what it made, and refuses to make it twice', async () => {
    const made = await rig.engine('generate', 'initial', '--users', '20', '--transactions', '1_000', '--seed', '3');
    assert.is(made.code, 0, made.stderr);
    assert.match(made.stdout, /public\.users: 20 rows\npublic\.transactions: 1,000 rows\nmade in source first in [0-9.]+ s, seed 3\n/);
    const again = await rig.engine('generate', 'initial');
    assert.is(again.code, 4);
    assert.match(again.stderr, /sample tables exist already/);
    assert.is(again.stdout, '');
    assert.is((await rig.engine('generate', 'initial', '--users', '20', '--transactions', '1000', '--seed', '3', '--replace')).code, 0);
  });

  s.test('daily gives its figures as a document', async () => {
    await rig.engine('generate', 'initial', '--users', '20', '--transactions', '100', '--yes');
    const day = await rig.json('generate', 'daily', '--inserts', '30', '--updates', '11');
    assert.is(day.code, 0, day.stderr);
    assert.equal(day.documents, [
      {
        format_version: 1,
        source: 'first',
        day: 1,
        seed: 1,
        tables: { users: { inserted: 3, updated: 2 }, transactions: { inserted: 30, updated: 11 } },
      },
    ]);
  });

  s.test('what it cannot use is a wrong command line', async () => {
    for (const [args, text] of [
      [['initial', '--users', '-1'], /--users is not a whole number/],
      [['initial', '--users', '1e3'], /--users is not a whole number/],
      [['initial', '--updates', '5'], /generate initial takes no --updates/],
      [['daily', '--replace'], /generate daily takes no --replace/],
      [['weekly'], /generate knows initial and daily, not weekly/],
      [['initial', '--source', 'third'], /there is no source third/],
    ] as const) {
      const ran = await rig.engine('generate', ...args);
      assert.is(ran.code, 2, args.join(' '));
      assert.match(ran.stderr, text);
    }
  });

  s.test('with several sources one has to be named', async () => {
    const unnamed = await rig.engine('generate', 'daily', '--config', 'two.yaml');
    assert.is(unnamed.code, 2);
    assert.match(unnamed.stderr, /Give --source with one of: first, second/);
    const named = await rig.engine('generate', 'daily', '--config', 'two.yaml', '--source', 'second');
    assert.is(named.code, 0, named.stderr);
  });
});
