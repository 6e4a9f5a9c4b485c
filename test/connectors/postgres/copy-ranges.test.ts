import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { partsOf } from '../../../connectors/postgres/copy.ts';
import { binaryForm, type CopyForm, csvForm } from '../../../connectors/postgres/copy-form.ts';
import { divide } from '../../../connectors/postgres/copy-ranges.ts';
import { type LoadWorkspace, openWorkspace } from '../../../connectors/postgres/load-workspace.ts';
import type { StagingColumn } from '../../../connectors/postgres/staging.ts';
import { createRandom } from '../../../generators/random.ts';
import { readTable } from '../../../lake/log.ts';
import { idAndText, openWorkshop, type Workshop } from '../../support/lake-table.ts';
import { suite } from '../../support/suite.ts';
import { type LoadRig, loadRig, refusal } from './load-rig.ts';

const mega = 1024 * 1024;

const column = (name: string, lakeType: string, type: string, receive: string): StagingColumn => ({
  name,
  lakeName: name,
  lakeType,
  type,
  accepted: [type],
  receives: [receive],
  lacking: undefined,
});
const columns = [column('id', 'long', 'bigint', 'int8recv'), column('v', 'string', 'text', 'textrecv')];

suite('the parts of a file', ({ test, before, after }) => {
  let shop: Workshop;
  let rig: LoadRig;
  let root: string;
  let workspace: LoadWorkspace;
  before(async () => {
    shop = await openWorkshop();
    rig = await loadRig(shop.lake, 'copy_ranges');
    root = await mkdtemp(join(tmpdir(), 'engine-copy-ranges-'));
    workspace = await openWorkspace(root, { memoryBytes: 192 * mega, threads: 2 });
    assert.ok(await workspace.loadExtension(undefined), "DuckDB's postgres extension is not on this machine: run `engine setup`");
  });
  after(async () => {
    await workspace.close();
    await rig.close();
    await shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  test('row groups are put together after the first one, and divided where a chunk of their rows is too wide', () => {
    assert.equal(divide([], 0), []);
    assert.equal(divide([{ rows: 100_000, bytes: mega }], 0), [undefined]);
    const usual = { rows: 122_880, bytes: 20 * mega };
    assert.equal(divide([usual, usual, usual, usual], 0), [
      { from: 0, below: 122_880 },
      { from: 122_880, below: 368_640 },
      { from: 368_640, below: 491_520 },
    ]);
    assert.equal(divide([{ rows: 5, bytes: 100 * mega }], 0), [
      { from: 0, below: 1 },
      { from: 1, below: 2 },
      { from: 2, below: 3 },
      { from: 3, below: 4 },
      { from: 4, below: 5 },
    ]);
    assert.equal(divide([{ rows: 1, bytes: 200 * mega }], 0), [undefined]);
    assert.equal(
      divide([{ rows: 100, bytes: 1000 }], mega).map((r) => r?.below),
      [31, 62, 93, 100],
    );
  });

  test('no row is left out or taken twice, whatever the groups are', () => {
    const random = createRandom(4, 'ranges');
    for (let round = 0; round < 500; round += 1) {
      const groups = Array.from({ length: random.below(8) }, () => ({ rows: random.below(200_000), bytes: random.below(200 * mega) }));
      const rows = groups.reduce((sum, g) => sum + g.rows, 0);
      const ranges = divide(groups, random.below(3) === 0 ? random.below(100_000) : 0);
      let next = 0;
      for (const range of ranges) {
        const { from, below } = range ?? { from: 0, below: rows };
        assert.is(from, next);
        assert.ok(below > from);
        next = below;
      }
      assert.is(next, rows);
    }
  });

  test('values of 128 KB that a file holds once for many rows are written a few rows at a time', async () => {
    await shop.write('repeated', {
      mode: 'full',
      rows: `SELECT i::BIGINT AS id, repeat(md5((i % 2)::VARCHAR), 4096) AS v FROM range(600) r(i)`,
    });
    const files = (await readTable(shop.lake, 'repeated')).files.map((f) => f.add);
    assert.ok((files[0]?.size ?? 0) < mega, 'the file is small');
    for (const form of [csvForm, binaryForm] satisfies CopyForm[]) {
      let rows = 0;
      let parts = 0;
      for await (const part of partsOf(workspace.duck, { lake: shop.lake, folder: 'repeated', files, columns, form }, workspace.folder)) {
        assert.ok(part.bytes <= 33 * mega, `${part.rows} rows of ${part.bytes} bytes`);
        rows += part.rows;
        parts += 1;
        rmSync(part.path);
      }
      assert.equal([rows, parts], [600, 3], form.name);
    }
  });

  test('such a table arrives whole', async () => {
    await rig.full({ table: 'repeated' });
    assert.equal(await rig.rows(`SELECT count(*), count(DISTINCT id), count(DISTINCT v), sum(length(v)) FROM staging.repeated`), [
      ['600', '600', '2', String(600 * 131_072)],
    ]);
  });

  test('a row that has no room in the memory of a load fails it by a way out, and staging stays as it was', async () => {
    await shop.write('wide', { mode: 'full', rows: `SELECT 1::BIGINT AS id, 'small' AS v`, fields: idAndText });
    await rig.full({ table: 'wide' });
    await shop.write('wide', { mode: 'full', rows: `SELECT i::BIGINT AS id, repeat(md5(i::VARCHAR), 655360) AS v FROM range(2) r(i)` });
    const error = await refusal(rig.full({ table: 'wide', memoryBytes: 24 * mega }));
    assert.equal([error.code, error.trouble], ['load.memory', 'failed']);
    assert.match(error.hint ?? '', /extract: \{ memory/);
    assert.equal(await rig.rows('SELECT id, v FROM staging.wide'), [['1', 'small']]);
    await rig.full({ table: 'wide' });
    assert.equal(await rig.rows('SELECT id, length(v), left(v, 32) = md5(id::text) FROM staging.wide ORDER BY id'), [
      ['0', '20971520', 'true'],
      ['1', '20971520', 'true'],
    ]);
  });
});
