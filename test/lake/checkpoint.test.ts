import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { checkpointEvery, writeCheckpoint } from '../../lake/checkpoint.ts';
import { commit } from '../../lake/commit.ts';
import { readEntry, readTable, replayLog, tableState, versionsToLoad } from '../../lake/log.ts';
import { checkpointPath, entryPath, hintPath } from '../../lake/path.ts';
import { applyEntry } from '../../lake/replay.ts';
import { lakeFields } from '../../lake/schema.ts';
import type { TableState } from '../../lake/table.ts';
import { codeOf } from '../conformance/lake.ts';
import { readDelta } from '../support/deltalake.ts';
import { at, engineCommit, idAndText, openWorkshop, stillClock, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

const clock = stillClock(1_770_000_000_000);

/** What must not depend on whether the log was read from a checkpoint. */
function essence(state: TableState): object {
  return {
    version: state.version,
    metadata: state.metadata,
    protocol: state.protocol,
    fields: state.fields,
    files: state.files.map((f) => [f.add.path, f.add.size, f.add.modificationTime, f.add.stats]).sort(),
    last: state.last,
    fence: state.fence,
    dataVersion: state.dataVersion,
  };
}

suite('a checkpoint', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  /** So many commits, all naming one file that exists, every third one with data. The log is put together as it grows: reading it each time would take long. */
  async function many(folder: string, count: number): Promise<void> {
    const file = await shop.file(folder, "SELECT 1::BIGINT AS id, 'x' AS v", at(0));
    let replay = await replayLog(shop.lake, folder);
    for (let i = 0; i < count; i += 1) {
      const version = replay.version + 1;
      const said = engineCommit({ run: `run-${version}`, extractedAt: at(version), fence: at(version) });
      const files = i % 3 === 0 ? [file] : [];
      const change = { commit: said, fields: idAndText, configuration: {}, files, check: async () => undefined };
      await commit(shop.lake, tableState(folder, replay), change, clock);
      const entry = await readEntry(shop.lake, folder, version);
      if (entry === undefined) throw new Error(`no version ${version}`);
      if (version % checkpointEvery === 0) replay = await replayLog(shop.lake, folder);
      else applyEntry(replay, entry);
    }
  }

  async function withoutCheckpoints(folder: string): Promise<TableState> {
    const versions: number[] = [];
    for await (const file of shop.lake.list(`${folder}/_delta_log`)) {
      const found = /(\d{20})\.checkpoint\.parquet$/.exec(file.path);
      if (found !== null) versions.push(Number(found[1]));
    }
    for (const version of versions) await shop.lake.remove(checkpointPath(folder, version));
    await shop.lake.remove(hintPath(folder));
    return readTable(shop.lake, folder);
  }

  test('250 commits make two; the table read from them is the same as from every entry; delta-rs reads it too', async () => {
    await many('long', 250);
    const hint = JSON.parse(new TextDecoder().decode(await shop.lake.read(hintPath('long')))) as { version: number };
    assert.is(hint.version, 2 * checkpointEvery);
    const state = await readTable(shop.lake, 'long');
    assert.is(state.checkpoint, 200);
    assert.is(state.version, 249);
    const theirs = await readDelta(join(shop.root, 'long'));
    assert.is(theirs.version, 249);
    assert.is(theirs.files, 1);
    assert.is(theirs.history.length, 250);
    assert.equal(theirs.transactions, { 'engine.fence': 1_770_000_249_000_001, 'engine.data': 249 });
    assert.equal(essence(await withoutCheckpoints('long')), essence(state));
  });

  test('a log that others cleaned up to a checkpoint still has its fence, files and newest data', async () => {
    await many('cleaned', 120);
    const whole = await readTable(shop.lake, 'cleaned');
    assert.is(whole.checkpoint, 100);
    for (let version = 0; version <= 100; version += 1) await shop.lake.remove(entryPath('cleaned', version));
    const cleaned = await readTable(shop.lake, 'cleaned');
    assert.equal(essence(cleaned), essence(whole));
    const { versions } = await versionsToLoad(shop.lake, 'cleaned', 90, whole.metadata?.id);
    assert.equal(
      versions.map((v) => [v.version, v.kind, v.severalVersions]),
      [[whole.dataVersion, 'full', true]],
    );
    const next = await versionsToLoad(shop.lake, 'cleaned', 110, whole.metadata?.id);
    assert.equal(
      next.versions.map((v) => v.version),
      [111, 114, 117],
    );
    assert.is((await readDelta(join(shop.root, 'cleaned'))).version, 119);
  });

  test("right at a checkpoint the engine's own last words are read from the entry", async () => {
    await many('edge', 5);
    const before = await readTable(shop.lake, 'edge');
    await writeCheckpoint(shop.lake, 'edge', await replayLog(shop.lake, 'edge'), clock);
    const state = await readTable(shop.lake, 'edge');
    assert.is(state.checkpoint, 4);
    assert.equal(essence(state), essence(before));
    assert.is(state.last?.commit.run, 'run-4');
    await shop.lake.remove(entryPath('edge', 4));
    await shop.lake.remove(entryPath('edge', 3));
    const without = await readTable(shop.lake, 'edge');
    assert.is(without.last, undefined, 'gone with the log');
    assert.is(without.fence, at(4), 'which the checkpoint keeps');
    assert.is(without.dataVersion, 3);
    await writeCheckpoint(shop.lake, 'edge', await replayLog(shop.lake, 'edge'), clock);
  });

  test('one that cannot be read is passed over for an older one, or for the entries', async () => {
    await many('torn', 8);
    await writeCheckpoint(shop.lake, 'torn', await replayLog(shop.lake, 'torn'), clock);
    await many('torn', 4);
    const before = await readTable(shop.lake, 'torn');
    await shop.lake.replace(checkpointPath('torn', 10), new TextEncoder().encode('PAR1 no parquet PAR1'));
    await shop.lake.replace(hintPath('torn'), new TextEncoder().encode('{"version":10}'));
    assert.equal(essence(await readTable(shop.lake, 'torn')), essence(before));
    await shop.lake.replace(checkpointPath('torn', 7), new Uint8Array());
    assert.equal(essence(await readTable(shop.lake, 'torn')), essence(before));
    await shop.lake.createIfAbsent(`torn/_delta_log/${'9'.padStart(20, '0')}.checkpoint.0000000001.0000000002.parquet`, new Uint8Array());
    assert.equal(essence(await readTable(shop.lake, 'torn')), essence(before), 'one with a part missing');
    await shop.lake.remove(entryPath('torn', 0));
    assert.is(await codeOf(readTable(shop.lake, 'torn')), 'lake.log-gap');
  });

  test("delta-rs's own checkpoint is read, and ours after it", async () => {
    const zoneless = lakeFields([{ name: 'w', type: 'timestamp_ntz', postgresType: 'timestamp', baseType: 'timestamp' }]);
    for (const mode of ['full', 'incremental', 'full', 'incremental'] as const)
      await shop.write('theirs', { mode, fields: zoneless, rows: "SELECT TIMESTAMP '2026-01-01 01:02:03.456789' AS w" });
    const before = await readTable(shop.lake, 'theirs');
    await readDelta(join(shop.root, 'theirs'), 'SELECT * FROM t', 'checkpoint');
    const state = await readTable(shop.lake, 'theirs');
    assert.is(state.checkpoint, 3);
    assert.equal(essence(state), essence(before));
    await shop.write('theirs', { fields: zoneless, rows: "SELECT TIMESTAMP '0001-01-01' AS w" });
    await writeCheckpoint(shop.lake, 'theirs', await replayLog(shop.lake, 'theirs'), clock);
    assert.is((await readTable(shop.lake, 'theirs')).checkpoint, 4);
    const theirs = await readDelta(join(shop.root, 'theirs'), 'SELECT w FROM t ORDER BY w');
    assert.equal(theirs.rows, [{ w: '0001-01-01T00:00:00' }, { w: '2026-01-01T01:02:03.456789' }, { w: '2026-01-01T01:02:03.456789' }]);
    assert.equal(theirs.protocol, [3, 7]);
  });

  test('a commit stands when its checkpoint fails, and says so', async () => {
    await many('full disk', 99);
    const state = await readTable(shop.lake, 'full disk');
    const broken = {
      ...shop.lake,
      createIfAbsent: (path: string, content: Uint8Array) =>
        path.endsWith('.parquet') ? Promise.reject(new Error('no space for it')) : shop.lake.createIfAbsent(path, content),
    };
    const said = (n: number) => ({
      commit: engineCommit({ run: `late-${n}`, extractedAt: at(1000 + n) }),
      fields: idAndText,
      configuration: {},
      files: [],
      check: async () => undefined,
    });
    const first = await commit(broken, state, said(1), clock);
    assert.is(first.version, 99);
    const second = await commit(broken, await readTable(shop.lake, 'full disk'), said(2), clock);
    assert.is(second.version, 100);
    assert.match(second.warning ?? '', /commit stands.*no space for it/);
    const third = await commit(shop.lake, await readTable(shop.lake, 'full disk'), said(3), clock);
    assert.is(third.warning, undefined);
    assert.is((await readTable(shop.lake, 'full disk')).checkpoint, 101, 'the next commit makes up for it');
  });
});
