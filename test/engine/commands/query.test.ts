import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { lakeFields } from '../../../lake/schema.ts';
import { openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

suite('engine query', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: Rig;
  before(async () => {
    shop = await openWorkshop();
    rig = await createRig({
      'pipelines.yaml': `version: 1
sources: { production: { type: postgres, url: embedded } }
sinks: { warehouse: { type: postgres, url: embedded, schema: staging } }
lake: { type: file, path: ${JSON.stringify(shop.root)} }
tables: { users: { key: id, cursor: updated_at }, 'Odd Name': { table: '"Odd Name"', key: id }, later: { key: id } }
pipelines: { p: { mode: full, tables: [users] } }
`,
    });
    await shop.write('users', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'v' || i AS v FROM range(1, 4) r(i)" });
    await shop.write('users', { rows: "SELECT 2::BIGINT AS id, E'two\\nlines' AS v" });
    const fields = lakeFields([{ name: 'a b', type: 'decimal(12,2)', postgresType: 'numeric(12,2)', baseType: 'numeric(12,2)' }]);
    const { lakeFolder } = await import('../../../engine/base/lake-folder.ts');
    await shop.write(lakeFolder('Odd Name'), { mode: 'full', fields, rows: 'SELECT 1.50::DECIMAL(12,2) AS a_b' });
    mkdirSync(join(shop.root, 'no-table'));
    writeFileSync(join(shop.root, 'no-table', 'file'), 'x');
    writeFileSync(join(shop.root, 'file'), 'x');
  });
  after(async () => {
    await rig?.cleanup();
    await shop.close();
  });

  test('shows the latest row per key, and with __versions all of them', async () => {
    const { code, stdout, stderr } = await rig.engine('query', 'SELECT id, v FROM users ORDER BY id');
    assert.is(code, 0, stderr);
    assert.is(stdout, 'id | v\n---+-----------\n 1 | v1\n 2 | two\\nlines\n 3 | v3\n(3 rows)\n');
    assert.is((await rig.engine('query', 'SELECT count(*) AS n FROM users__versions')).stdout, 'n\n-\n4\n(1 row)\n');
  });

  test('lists the tables, and takes odd names of tables and columns in quotes', async () => {
    const shown = await rig.json('query', 'SHOW TABLES', '--json');
    assert.equal(shown.documents[0]?.rows, [['Odd Name'], ['Odd Name__versions'], ['users'], ['users__versions']]);
    const odd = await rig.json('query', 'SELECT "a b" FROM "Odd Name"', '--json');
    assert.equal(odd.documents, [{ format_version: 1, columns: ['a b'], rows: [['1.50']], truncated: false }]);
  });

  test('cuts after --limit rows and says so, never in silence', async () => {
    const cut = await rig.engine('query', 'SELECT * FROM range(5000)', '--limit', '2');
    assert.match(cut.stdout, '(2 rows)');
    assert.match(cut.stderr, '--limit 0 shows all');
    const all = await rig.json('query', 'SELECT * FROM range(5000)', '--limit', '0', '--json');
    assert.is(JSON.stringify(all.documents[0]?.rows).split('],[').length, 5000);
    assert.is(all.documents[0]?.truncated, false);
    assert.is((await rig.engine('query', 'SELECT 1', '--limit', 'many')).code, 2);
  });

  test('keeps every digit of large numbers, and runs several statements', async () => {
    const { documents } = await rig.json(
      'query',
      'SET threads = 1; SELECT 9007199254740993::BIGINT AS a, 7::BIGINT AS b, NULL AS c',
      '--json',
    );
    assert.equal(documents[0]?.rows, [['9007199254740993', 7, null]]);
  });

  test('wrong SQL is told as such, with what may help', async () => {
    const wrong = await rig.engine('query', 'SELECT nothing FROM userz');
    assert.is(wrong.code, 2);
    assert.is(wrong.stdout, '');
    assert.match(wrong.stderr, 'userz');
    assert.match(wrong.stderr, 'SHOW TABLES');
    const failing = await rig.engine('query', "SELECT 'x'::INTEGER");
    assert.is(failing.code, 1);
  });

  test('a table of the configuration that was not extracted yet is told as such', async () => {
    for (const table of ['later', 'later__versions']) {
      const { code, stderr } = await rig.engine('query', `SELECT * FROM ${table}`);
      assert.is(code, 2);
      assert.match(stderr, /table later is not in the lake yet \(query\.not-extracted\)\n {2}what to do: Run a pipeline/);
    }
    const wrong = await rig.engine('query', 'SELEC 1');
    assert.is(wrong.code, 2);
    assert.match(wrong.stderr, /^error: Parser Error: /);
  });

  test('a table whose log is damaged stops only what names it', async () => {
    const entry = join(shop.root, 'users', '_delta_log', '00000000000000000000.json');
    renameSync(entry, `${entry}.away`);
    try {
      const broken = await rig.engine('query', 'SELECT * FROM users');
      assert.is(broken.code, 1);
      assert.match(broken.stderr, 'is missing from the log');
      assert.is((await rig.engine('query', 'SELECT * FROM "Odd Name"')).code, 0);
    } finally {
      renameSync(`${entry}.away`, entry);
    }
  });

  test('a lake that is not there yet has no tables', async () => {
    const place = join(shop.root, '..', 'nowhere');
    const empty = await createRig({
      'pipelines.yaml': rig.read('pipelines.yaml').replace(JSON.stringify(shop.root), JSON.stringify(place)),
    });
    try {
      const { documents } = await empty.json('query', 'SHOW TABLES', '--json');
      assert.equal(documents[0]?.rows, []);
    } finally {
      await empty.cleanup();
    }
  });
});
