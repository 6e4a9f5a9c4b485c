import * as assert from 'uvu/assert';
import type { Action } from '../../lake/action.ts';
import { readTable, versionsToLoad } from '../../lake/log.ts';
import { dataFilePath, decodePath, encodePath, entryPath, hintPath } from '../../lake/path.ts';
import { entryBytes } from '../../lake/replay.ts';
import { codeOf } from '../conformance/lake.ts';
import { openWorkshop, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

suite('the log of a lake table', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  let value = 0;
  const rows = (): string => `SELECT 1::BIGINT AS id, 'v${++value}' AS v`;
  const others = async (folder: string, actions: readonly Action[]): Promise<void> => {
    const path = entryPath(folder, (await readTable(shop.lake, folder)).version + 1);
    await shop.lake.createIfAbsent(path, entryBytes([{ commitInfo: { timestamp: 0, operation: 'X' } }, ...actions]));
  };
  const add = (path: string, dataChange: boolean): Action => ({
    add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange, stats: '{"numRecords":5}' },
  });
  const remove = (path: string, dataChange: boolean): Action => ({ remove: { path, deletionTimestamp: 0, dataChange } });
  /** `2 full 1, 3 changes 1`: version, kind, number of files. */
  const toLoad = async (folder: string, after: number, id?: string): Promise<string> => {
    const { versions, state } = await versionsToLoad(shop.lake, folder, after, id ?? (await readTable(shop.lake, folder)).metadata?.id);
    assert.is(state.version, (await readTable(shop.lake, folder)).version);
    return versions.map((v) => `${v.version} ${v.kind} ${v.files.length}${v.severalVersions ? ' several' : ''}`).join(', ');
  };

  test('no table: nothing to load, version -1', async () => {
    const { versions, state } = await versionsToLoad(shop.lake, 'none', -1, undefined);
    assert.equal(versions, []);
    assert.is(state.version, -1);
    assert.is(state.dataVersion, -1);
    assert.is(state.fence, null);
    assert.equal(state.fields, []);
  });

  test('versions above the one loaded, in order; the newest full one stands for all before it', async () => {
    for (const mode of ['full', 'incremental', 'incremental', 'full', 'incremental', 'incremental'] as const)
      await shop.write('t', { mode, rows: rows() });
    assert.is(await toLoad('t', -1), '3 full 1, 4 changes 1, 5 changes 1');
    assert.is(await toLoad('t', 0), '3 full 1, 4 changes 1, 5 changes 1');
    assert.is(await toLoad('t', 2), '3 full 1, 4 changes 1, 5 changes 1');
    assert.is(await toLoad('t', 3), '4 changes 1, 5 changes 1');
    assert.is(await toLoad('t', 4), '5 changes 1');
    assert.is(await toLoad('t', 5), '');
    const { versions } = await versionsToLoad(shop.lake, 't', 4, (await readTable(shop.lake, 't')).metadata?.id);
    assert.is(versions[0]?.rows, 1);
    assert.is(versions[0]?.commit?.run, 'run-6');
  });

  test('a table that begins with an incremental extract begins anew with it', async () => {
    await shop.write('begins', { rows: rows() });
    await shop.write('begins', { rows: rows() });
    assert.is(await toLoad('begins', -1), '0 full 1, 1 changes 1');
  });

  test('entries without rows bring nothing, but the first one and a full one do', async () => {
    await shop.write('empty', {});
    assert.is(await toLoad('empty', -1), '0 full 0');
    await shop.write('empty', {});
    assert.is(await toLoad('empty', 0), '');
    await shop.write('empty', { rows: rows() });
    for (let i = 0; i < 5; i += 1) await shop.write('empty', {});
    await shop.write('empty', { rows: rows() });
    await shop.write('empty', {});
    assert.is(await toLoad('empty', 0), '2 changes 1, 8 changes 1');
    assert.is(await toLoad('empty', 2), '8 changes 1');
    assert.is(await toLoad('empty', 8), '');
    await shop.write('empty', { mode: 'full' });
    assert.is(await toLoad('empty', 8), '10 full 0');
    await shop.write('empty', { mode: 'full' });
    assert.is(await toLoad('empty', 10), '11 full 0');
  });

  test('another table id counts as nothing loaded; a sink ahead of the lake is refused', async () => {
    await shop.write('id', { mode: 'full', rows: rows() });
    await shop.write('id', { rows: rows() });
    assert.is(await toLoad('id', 1, 'another'), '0 full 1, 1 changes 1');
    assert.is(await codeOf(toLoad('id', 2)), 'lake.behind');
  });

  test("another program's compaction brings nothing; versions before it still give their own files", async () => {
    for (const mode of ['full', 'incremental', 'incremental'] as const) await shop.write('compact', { mode, rows: rows() });
    const before = await readTable(shop.lake, 'compact');
    await others('compact', [add('whole.parquet', false), ...before.files.map((f) => remove(f.add.path, false))]);
    assert.is(await toLoad('compact', 2), '');
    assert.is(await toLoad('compact', 0), '1 changes 1, 2 changes 1');
    for (const file of before.files.slice(1, 2)) await shop.lake.remove(dataFilePath('compact', file.add));
    assert.is(await toLoad('compact', 0), '2 full 1 several', 'all active files once a file is gone');
    assert.is(await toLoad('compact', 1), '2 changes 1', 'which is not needed here');
    await shop.write('compact', { rows: rows() });
    assert.is(await toLoad('compact', 2), '4 changes 1');
  });

  test('rows added by another program are changes, rows removed by it ask for everything', async () => {
    await shop.write('others', { mode: 'full', rows: rows() });
    await others('others', [add('theirs.parquet', true)]);
    assert.is(await toLoad('others', 0), '1 changes 1');
    const { versions } = await versionsToLoad(shop.lake, 'others', 0, (await readTable(shop.lake, 'others')).metadata?.id);
    assert.is(versions[0]?.rows, 5);
    assert.is(versions[0]?.commit, undefined);
    await others('others', [remove('theirs.parquet', true)]);
    assert.is(await toLoad('others', 1), '2 full 1 several');
    await shop.write('others', { mode: 'full', rows: rows() });
    assert.is(await toLoad('others', 1), '3 full 1');
  });

  test('an entry that is gone asks for everything above a checkpoint, and is a gap without one', async () => {
    for (let i = 0; i < 5; i += 1) await shop.write('gap', { mode: i === 0 ? 'full' : 'incremental', rows: rows() });
    await shop.lake.remove(entryPath('gap', 2));
    assert.is(await codeOf(readTable(shop.lake, 'gap')), 'lake.log-gap');
  });

  test('an entry that is damaged is an error that names it', async () => {
    await shop.write('damaged', { rows: rows() });
    await shop.lake.replace(entryPath('damaged', 0), new TextEncoder().encode('{"add":{"path"'));
    const error = await readTable(shop.lake, 'damaged').catch((e: unknown) => e);
    assert.is(await codeOf(readTable(shop.lake, 'damaged')), 'lake.log-damaged');
    assert.match(String(error), 'damaged/_delta_log/00000000000000000000.json');
  });

  test('a hint that is wrong in any way changes nothing', async () => {
    for (let i = 0; i < 3; i += 1) await shop.write('hint', { mode: i === 0 ? 'full' : 'incremental', rows: rows() });
    const right = await readTable(shop.lake, 'hint');
    for (const hint of [
      '',
      'null',
      '[]',
      '{}',
      '{"version":',
      '{"version":1}',
      '{"version":999}',
      '{"version":-1}',
      '{"version":"2"}',
      '{"version":1.5}',
    ]) {
      await shop.lake.replace(hintPath('hint'), new TextEncoder().encode(hint));
      assert.equal(await readTable(shop.lake, 'hint'), right, hint);
    }
  });

  test('files that are no entries are not read', async () => {
    await shop.write('litter', { rows: rows() });
    for (const name of [
      '00000000000000000001.json.tmp',
      '_commit_x.json',
      '00000000000000000001.crc',
      '1.json',
      '00000000000000000007.compacted.json',
    ])
      await shop.lake.createIfAbsent(`litter/_delta_log/${name}`, new TextEncoder().encode('litter'));
    assert.is((await readTable(shop.lake, 'litter')).version, 0);
  });

  test('paths are encoded as URIs, part by part, and a file elsewhere is refused', async () => {
    assert.is(encodePath('run 1/a+b%.parquet'), 'run%201/a%2Bb%25.parquet');
    for (const path of ['run 1/é日%20.parquet', 'a/b/c']) assert.is(decodePath(encodePath(path)), path);
    assert.is(decodePath('100%'), '100%');
    for (const path of ['../x', 's3://bucket/x', '/etc/x', 'a/%2E%2E/x', 'file:///x'])
      assert.is(await codeOf((async () => dataFilePath('t', { path }))()), 'lake.foreign-file', path);
  });
});
