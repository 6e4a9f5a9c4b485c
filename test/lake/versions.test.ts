import * as assert from 'uvu/assert';
import type { Action } from '../../lake/action.ts';
import type { Lake } from '../../lake/lake.ts';
import { entryPath } from '../../lake/path.ts';
import { entryBytes } from '../../lake/replay.ts';
import { logVersion, logVersions } from '../../lake/versions.ts';
import { openWorkshop, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

suite('versions of a lake table', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  const entry = async (folder: string, version: number, actions: readonly Action[]): Promise<void> => {
    await shop.lake.createIfAbsent(entryPath(folder, version), entryBytes(actions));
  };

  test('come newest first and in pages, as far back as the log tells', async () => {
    assert.equal(await logVersions(shop.lake, 'none', { limit: 5 }), []);
    for (let i = 0; i < 40; i += 1) await shop.write('paged', { rows: 'SELECT 1::BIGINT AS id, NULL::VARCHAR AS v' });
    const numbers = async (before: number | undefined, limit: number): Promise<number[]> =>
      (await logVersions(shop.lake, 'paged', { before, limit })).map(({ version }) => version);
    assert.equal(await numbers(undefined, 3), [39, 38, 37]);
    assert.equal(await numbers(3, 50), [2, 1, 0]);
    assert.is((await numbers(undefined, 35)).at(-1), 5);
    assert.equal(await numbers(0, 5), []);
    await shop.lake.remove(entryPath('paged', 20));
    assert.equal((await numbers(undefined, 50)).at(-1), 21);
  });

  test('say who wrote them, how much they added and what they took away; of other writers what there is to know', async () => {
    await shop.write('told', { rows: "SELECT range AS id, 'x' AS v FROM range(7)" });
    await shop.write('told', { mode: 'full', rows: "SELECT range AS id, 'x' AS v FROM range(2)", commit: { low: null } });
    const add = (path: string, stats?: string): Action => ({
      add: { path, partitionValues: {}, size: 10, modificationTime: 0, dataChange: false, ...(stats === undefined ? {} : { stats }) },
    });
    await entry('told', 2, [
      { commitInfo: { timestamp: 5, operation: 'OPTIMIZE' } },
      add('a%20b.parquet', '{"numRecords":2}'),
      add('c.parquet', '{"numRecords":1}'),
      { remove: { path: 'old.parquet', deletionTimestamp: 1, dataChange: false } },
    ]);
    await entry('told', 3, [add('d.parquet')]);
    const [unknown, optimize, full] = await logVersions(shop.lake, 'told', { limit: 9 });
    assert.equal([unknown?.operation, unknown?.timestamp, unknown?.rows, unknown?.commit], ['unknown', 0, undefined, undefined]);
    assert.equal([optimize?.operation, optimize?.rows, optimize?.files, optimize?.bytes, optimize?.removed], ['OPTIMIZE', 3, 2, 20, 1]);
    assert.equal([full?.rows, full?.files, full?.removed, full?.commit?.run, full?.commit?.mode], [2, 1, 1, 'run-42', 'full']);
    const one = await logVersion(shop.lake, 'told', 2);
    assert.equal(one?.changes, [
      { path: 'a b.parquet', change: 'added', bytes: 10, rows: 2 },
      { path: 'c.parquet', change: 'added', bytes: 10, rows: 1 },
      { path: 'old.parquet', change: 'removed', bytes: undefined, rows: undefined },
    ]);
    assert.is(await logVersion(shop.lake, 'told', 4), undefined);
  });

  test('a page of many thousands reads its own entries and no more', async () => {
    let read = 0;
    const lake: Lake = {
      ...shop.lake,
      read: async (path) => {
        read += 1;
        return path.endsWith('_last_checkpoint') ? undefined : entryBytes([{ commitInfo: { timestamp: 1, operation: 'WRITE' } }]);
      },
      async *list(folder) {
        for (let version = 0; version < 10_000; version += 1)
          yield { path: `${folder}/${String(version).padStart(20, '0')}.json`, size: 1, modifiedMs: 0 };
      },
    };
    assert.is((await logVersions(lake, 't', { limit: 20 }))[0]?.version, 9_999);
    assert.is(read, 21);
    assert.is((await logVersions(lake, 't', { before: 5_000, limit: 50 })).length, 50);
    assert.is(read, 71);
  });
});
