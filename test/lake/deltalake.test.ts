import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { engineCommits, readTable, versionsToLoad } from '../../lake/log.ts';
import { lakeFields } from '../../lake/schema.ts';
import { readDelta } from '../support/deltalake.ts';
import { openWorkshop, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

suite('a lake table, read by delta-rs', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  test('opens after one commit and after two; rows, history and table are what was written', async () => {
    await shop.write('t', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'v' || i AS v FROM range(1, 4) r(i)" });
    const first = await readDelta(join(shop.root, 't'), 'SELECT id, v, _deleted FROM t ORDER BY id');
    assert.equal(
      first.rows,
      [1, 2, 3].map((id) => ({ id, v: `v${id}`, _deleted: false })),
    );
    await shop.write('t', { rows: "SELECT 2::BIGINT AS id, 'new' AS v" });
    const second = await readDelta(join(shop.root, 't'), 'SELECT id, v, _extracted_at FROM t ORDER BY _extracted_at, id');
    assert.equal(
      second.rows,
      [
        [1, 'v1', '2026-02-02T02:40:01.000001+00:00'],
        [2, 'v2', '2026-02-02T02:40:01.000001+00:00'],
        [3, 'v3', '2026-02-02T02:40:01.000001+00:00'],
        [2, 'new', '2026-02-02T02:40:02.000001+00:00'],
      ].map(([id, v, _extracted_at]) => ({ id, v, _extracted_at })),
    );
    const state = await readTable(shop.lake, 't');
    assert.is(second.version, state.version);
    assert.is(second.id, state.metadata?.id);
    assert.equal(second.configuration, state.metadata?.configuration);
    assert.equal(
      second.fields,
      state.fields.map(({ name, type, metadata }) => ({ name, type, metadata })),
    );
    assert.is(second.transactions['engine.fence'], 1_770_000_002_000_001);
    const ours: unknown[] = [];
    for await (const { version, commit, timestamp } of engineCommits(shop.lake, 't')) ours.unshift({ version, engine: commit, timestamp });
    assert.equal(
      second.history.map(({ version, engine, timestamp }) => ({ version, engine, timestamp })),
      ours,
    );
    assert.equal(
      second.history.map((h) => [h.operation, h.operationParameters, h.engineInfo]),
      ['Overwrite', 'Append'].map((mode) => ['WRITE', { mode, partitionBy: '[]' }, 'pipeline-engine test']),
    );
  });

  test('has every type of Delta, with edge values, unchanged', async () => {
    const types: readonly (readonly [string, string, readonly (readonly [string, unknown])[]])[] = [
      [
        'boolean',
        'BOOLEAN',
        [
          ['true', true],
          ['false', false],
        ],
      ],
      [
        'short',
        'SMALLINT',
        [
          ['-32768', -32768],
          ['32767', 32767],
        ],
      ],
      [
        'integer',
        'INTEGER',
        [
          ['-2147483648', -2147483648],
          ['2147483647', 2147483647],
        ],
      ],
      [
        'long',
        'BIGINT',
        [
          ['-9007199254740991', -9007199254740991],
          ['9007199254740991', 9007199254740991],
        ],
      ],
      [
        'float',
        'FLOAT',
        [
          ["'-infinity'", '-inf'],
          ['1.5', '1.5'],
        ],
      ],
      [
        'double',
        'DOUBLE',
        [
          ["'nan'", 'nan'],
          ['1e308', '1e+308'],
        ],
      ],
      [
        'decimal(38,10)',
        'DECIMAL(38,10)',
        [
          ['-9999999999999999999999999999.9999999999', '-9999999999999999999999999999.9999999999'],
          ['0', '0.0000000000'],
        ],
      ],
      [
        'decimal(5,0)',
        'DECIMAL(5,0)',
        [
          ['99999', '99999'],
          ['-1', '-1'],
        ],
      ],
      [
        'decimal(12,2)',
        'DECIMAL(12,2)',
        [
          ['1.5', '1.50'],
          ['0.01', '0.01'],
        ],
      ],
      [
        'string',
        'VARCHAR',
        [
          ["''", ''],
          ["'quote '' \" \\ \n tab \t é 日本 \u{1F600}'", 'quote \' " \\ \n tab \t é 日本 \u{1F600}'],
        ],
      ],
      [
        'binary',
        'BLOB',
        [
          ["''::BLOB", ''],
          ["'\\x00\\xFF'::BLOB", '00ff'],
        ],
      ],
      [
        'date',
        'DATE',
        [
          ["'0001-01-01'", '0001-01-01'],
          ["'9999-12-31'", '9999-12-31'],
        ],
      ],
      [
        'timestamp',
        'TIMESTAMPTZ',
        [
          ["'0001-01-01 00:00:00+00'", '0001-01-01T00:00:00+00:00'],
          ["'9999-12-31 23:59:59.999999+00'", '9999-12-31T23:59:59.999999+00:00'],
        ],
      ],
      [
        'timestamp_ntz',
        'TIMESTAMP',
        [
          ["'0001-01-01 00:00:00'", '0001-01-01T00:00:00'],
          ["'9999-12-31 23:59:59.999999'", '9999-12-31T23:59:59.999999'],
        ],
      ],
    ];
    const fields = lakeFields(types.map(([type], i) => ({ name: `c${i}`, type, postgresType: 'text', baseType: 'text' })));
    const row = (n: number): string => types.map(([, duck, values], i) => `(${values[n]?.[0] ?? 'NULL'})::${duck} AS c${i}`).join(', ');
    await shop.write('types', {
      mode: 'full',
      fields,
      rows: `SELECT 0 AS n, ${row(0)} UNION ALL SELECT 1, ${row(1)} UNION ALL SELECT 2, ${row(2)}`.replaceAll(
        /\b[012] AS n, |SELECT [12], /g,
        (m) => (m.startsWith('SELECT') ? 'SELECT ' : ''),
      ),
    });
    const { rows, protocol } = await readDelta(join(shop.root, 'types'), `SELECT * FROM t`);
    assert.equal(protocol, [3, 7]);
    assert.is(rows.length, 3);
    for (const [i, [type, , values]] of types.entries())
      assert.equal(
        rows.map((r) => r[`c${i}`]),
        [values[0]?.[1], values[1]?.[1], null],
        type,
      );
  });

  test('has odd names, of columns, tables and files', async () => {
    const names = [
      'select',
      'a b',
      'A B',
      'a.b',
      "it's",
      'say "x"',
      'ünï',
      '日本',
      'back\\slash',
      'per%cent',
      'x;y,z{1}(2)=\t\n',
      '$1',
      'a`b',
      'x'.repeat(63),
    ];
    const fields = lakeFields(names.map((name) => ({ name, type: 'string', postgresType: 'text', baseType: 'text' })));
    const select = fields.slice(0, -2).map((f, i) => `'v${i}' AS "${f.name.replaceAll('"', '""')}"`);
    const folder = 'Order-Line.1~22_x';
    await shop.write(folder, { mode: 'full', fields, rows: `SELECT ${select.join(', ')}` });
    const theirs = await readDelta(join(shop.root, folder));
    assert.equal(
      theirs.fields.slice(0, -2).map((f) => f.metadata['engine.name']),
      names,
    );
    for (const [i, field] of fields.slice(0, -2).entries()) assert.is(theirs.rows[0]?.[field.name], `v${i}`, field.name);
  });

  test('a column that came later is NULL in older rows', async () => {
    const id = { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' };
    await shop.write('later', { mode: 'full', fields: lakeFields([id]), rows: 'SELECT 1::BIGINT AS id' });
    const more = lakeFields([id, { name: 'n', type: 'integer', postgresType: 'int', baseType: 'int' }]);
    await shop.write('later', { fields: more });
    assert.equal((await readDelta(join(shop.root, 'later'), 'SELECT id, n FROM t')).rows, [{ id: 1, n: null }]);
    await shop.write('later', { fields: more, rows: 'SELECT 2::BIGINT AS id, 7 AS n' });
    assert.equal((await readDelta(join(shop.root, 'later'), 'SELECT id, n FROM t ORDER BY id')).rows, [
      { id: 1, n: null },
      { id: 2, n: 7 },
    ]);
  });

  test('its own compaction and sweeping leave our log readable, and bring nothing to load', async () => {
    for (const mode of ['full', 'incremental', 'incremental'] as const)
      await shop.write('compact', { mode, rows: `SELECT 1::BIGINT AS id, '${mode}' AS v` });
    const id = (await readTable(shop.lake, 'compact')).metadata?.id;
    const after = await readDelta(join(shop.root, 'compact'), 'SELECT count(*) AS c FROM t', 'compact');
    assert.is(after.files, 1);
    const state = await readTable(shop.lake, 'compact');
    assert.is(state.version, 3);
    assert.is(state.files.length, 1);
    assert.is(state.last?.version, 2);
    assert.equal((await versionsToLoad(shop.lake, 'compact', 2, id)).versions, []);
    assert.equal(
      (await versionsToLoad(shop.lake, 'compact', 0, id)).versions.map((v) => v.version),
      [1, 2],
    );
    await readDelta(join(shop.root, 'compact'), 'SELECT 1', 'vacuum');
    const swept = (await versionsToLoad(shop.lake, 'compact', 0, id)).versions;
    assert.equal(
      swept.map((v) => [v.version, v.kind, v.severalVersions, v.rows]),
      [[2, 'full', true, 3]],
    );
    assert.is((await shop.write('compact', { mode: 'full', rows: "SELECT 9::BIGINT AS id, 'z' AS v" })).alreadyThere, false);
    assert.equal((await readDelta(join(shop.root, 'compact'), 'SELECT id FROM t')).rows, [{ id: 9 }]);
  });

  test('its rows, appended or deleted, are seen', async () => {
    await shop.write('theirs', { mode: 'full', rows: "SELECT i::BIGINT AS id, 'v' AS v FROM range(5) r(i)" });
    const base = await readTable(shop.lake, 'theirs');
    await readDelta(join(shop.root, 'theirs'), 'SELECT 1', 'append');
    const appended = (await versionsToLoad(shop.lake, 'theirs', 0, base.metadata?.id)).versions;
    assert.equal(
      appended.map((v) => [v.version, v.kind, v.rows]),
      [[1, 'changes', 1]],
    );
    await readDelta(join(shop.root, 'theirs'), 'SELECT 1', 'delete id = 3');
    const deleted = (await versionsToLoad(shop.lake, 'theirs', 1, base.metadata?.id)).versions;
    assert.equal(
      deleted.map((v) => [v.kind, v.severalVersions]),
      [['full', true]],
    );
  });
});
