import * as assert from 'uvu/assert';
import { microsToInstant } from '../../engine/base/instant.ts';
import { EngineError } from '../../engine/error.ts';
import type { Action } from '../../lake/action.ts';
import { commit } from '../../lake/commit.ts';
import type { Lake } from '../../lake/lake.ts';
import { engineCommits, readEntry, readTable } from '../../lake/log.ts';
import { entryPath } from '../../lake/path.ts';
import { entryBytes } from '../../lake/replay.ts';
import { lakeFields } from '../../lake/schema.ts';
import type { NewCommit } from '../../lake/table.ts';
import { codeOf } from '../conformance/lake.ts';
import { at, engineCommit, idAndText, openWorkshop, stillClock, type Workshop } from '../support/lake-table.ts';
import { suite } from '../support/suite.ts';

const clock = stillClock(1_770_000_000_000);

function change(given: Partial<NewCommit> = {}): NewCommit {
  return { commit: engineCommit(), fields: idAndText, configuration: {}, files: [], check: async () => undefined, ...given };
}

async function entryOf(lake: Lake, folder: string, version: number): Promise<readonly Action[]> {
  return (await readEntry(lake, folder, version))?.actions ?? [];
}

const kinds = (actions: readonly Action[]): readonly string[] => actions.map((a) => Object.keys(a)[0] ?? '');

/** Another program's entry above the newest one. */
async function byOthers(lake: Lake, folder: string, actions: readonly Action[]): Promise<number> {
  const version = (await readTable(lake, folder)).version + 1;
  const info: Action = { commitInfo: { timestamp: 0, operation: 'OPTIMIZE' } };
  assert.is(await lake.createIfAbsent(entryPath(folder, version), entryBytes([info, ...actions])), 'created');
  return version;
}

const addOf = (path: string, dataChange: boolean): Action => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange },
});
const removeOf = (path: string, dataChange: boolean): Action => ({ remove: { path, deletionTimestamp: 0, dataChange } });

suite('a commit', ({ test, before, after }) => {
  let shop: Workshop;
  before(async () => {
    shop = await openWorkshop();
  });
  after(() => shop.close());

  test('the first one makes the table, the next one says only what is new', async () => {
    await shop.write('first', { mode: 'full', rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    await shop.write('first', { rows: "SELECT 2::BIGINT AS id, 'b' AS v" });
    assert.equal(kinds(await entryOf(shop.lake, 'first', 0)), ['commitInfo', 'protocol', 'metaData', 'txn', 'txn', 'add']);
    assert.equal(kinds(await entryOf(shop.lake, 'first', 1)), ['commitInfo', 'txn', 'txn', 'add']);
    const state = await readTable(shop.lake, 'first');
    assert.is(state.version, 1);
    assert.equal(state.protocol, { minReaderVersion: 1, minWriterVersion: 2 });
    assert.equal(state.fields, idAndText);
    assert.is(state.metadata?.configuration['delta.enableExpiredLogCleanup'], 'false');
    assert.not('delta.setTransactionRetentionDuration' in (state.metadata?.configuration ?? {}), 'or the fence would be forgotten');
    assert.is(state.metadata?.configuration['engine.key'], '["id"]');
    assert.match(state.metadata?.id ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(
      state.files.map((f) => f.version),
      [0, 1],
    );
    assert.is(state.last?.commit.run, state.last?.version === 1 ? 'run-2' : 'the newest');
    assert.match(state.files[0]?.add.path ?? '', /part%200\.parquet$/, 'encoded as PROTOCOL.md asks');
    assert.is(state.files[0]?.add.stats, '{"numRecords":1}');
  });

  test('a full one removes every file before it, and only those', async () => {
    for (const mode of ['full', 'incremental', 'incremental'] as const)
      await shop.write('full', { mode, rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    await shop.write('full', { mode: 'full', rows: "SELECT 2::BIGINT AS id, 'b' AS v" });
    const actions = await entryOf(shop.lake, 'full', 3);
    assert.is(actions.filter((a) => 'remove' in a).length, 3);
    assert.is((await readTable(shop.lake, 'full')).files.length, 1);
    await shop.write('full', { mode: 'full' });
    const empty = await readTable(shop.lake, 'full');
    assert.is(empty.files.length, 0);
    assert.is(empty.dataVersion, 4);
  });

  test('an extract without rows commits an entry without files, and moves the fence', async () => {
    await shop.write('quiet', { mode: 'full', rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const fence = at(9000);
    const result = await shop.write('quiet', { commit: { fence } });
    assert.is(result.version, 1);
    const state = await readTable(shop.lake, 'quiet');
    assert.is(state.fence, fence);
    assert.is(state.dataVersion, 0);
    assert.is(state.files.length, 1);
    assert.not(kinds(await entryOf(shop.lake, 'quiet', 1)).includes('add'));
  });

  test('a fence keeps its microseconds, may go back, and may be none', async () => {
    for (const fence of ['2026-02-28T23:59:59.999999Z', '2026-01-01T00:00:00.000001Z', '1999-12-31T23:59:59.000000Z']) {
      await shop.write('fence', { commit: { fence } });
      assert.is((await readTable(shop.lake, 'fence')).fence, fence);
    }
    await shop.write('fence', { commit: { fence: null } });
    assert.is((await readTable(shop.lake, 'fence')).fence, null);
    await shop.write('fence', { commit: { fence: microsToInstant(0n) } });
    assert.is((await readTable(shop.lake, 'fence')).fence, '1970-01-01T00:00:00.000000Z');
  });

  test('the lease is checked right before each try, and a lost one stops it', async () => {
    const base = await readTable(shop.lake, 'lease');
    const lost = change({ check: () => Promise.reject(new EngineError('refused', 'lease.lost', 'lost')) });
    assert.is(await codeOf(commit(shop.lake, base, lost, clock)), 'lease.lost');
    assert.is((await readTable(shop.lake, 'lease')).version, -1);
    let checks = 0;
    const counted = change({
      commit: engineCommit({ extractedAt: at(50_000) }),
      check: async () => {
        checks += 1;
      },
    });
    await shop.write('lease', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const then = await readTable(shop.lake, 'lease');
    await byOthers(shop.lake, 'lease', [addOf('other', false), removeOf(then.files[0]?.add.path ?? '', false)]);
    assert.is((await commit(shop.lake, then, counted, clock)).version, 2);
    assert.is(checks, 2);
  });

  test('our own commit is recognised and not repeated', async () => {
    const base = await readTable(shop.lake, 'own');
    const ours = change({ commit: engineCommit({ run: 'r', attempt: 2 }), files: [{ path: 'f', size: 1, rows: 1 }] });
    assert.equal(await commit(shop.lake, base, ours, clock), { version: 0, alreadyThere: false });
    assert.equal(await commit(shop.lake, base, ours, clock), { version: 0, alreadyThere: true }, 'from the old base');
    assert.equal(
      await commit(shop.lake, await readTable(shop.lake, 'own'), ours, clock),
      { version: 0, alreadyThere: true },
      'from the new one',
    );
    await byOthers(shop.lake, 'own', [addOf('g', false), removeOf('f', false)]);
    assert.equal(await commit(shop.lake, base, ours, clock), { version: 0, alreadyThere: true }, 'with others above it');
    assert.is((await readTable(shop.lake, 'own')).version, 1);
    const later = change({ ...ours, commit: engineCommit({ run: 'r', attempt: 3, extractedAt: at(1) }) });
    assert.is(await codeOf(commit(shop.lake, base, later, clock)), 'lake.moved', 'another attempt is another commit');
  });

  test('an answer that was lost is found out, and nothing is committed twice', async () => {
    const base = await readTable(shop.lake, 'lost');
    let tries = 0;
    const deaf: Lake = {
      ...shop.lake,
      createIfAbsent: async (path, content) => {
        tries += 1;
        const outcome = await shop.lake.createIfAbsent(path, content);
        if (tries === 1) throw new EngineError('outside', 'lake.io', 'the answer was lost');
        return outcome;
      },
    };
    assert.equal(await commit(deaf, base, change(), clock), { version: 0, alreadyThere: true });
    assert.is((await readTable(shop.lake, 'lost')).version, 0);
  });

  test('an error that stays is given as it came, and nothing is committed', async () => {
    const base = await readTable(shop.lake, 'broken');
    let tries = 0;
    const broken: Lake = {
      ...shop.lake,
      createIfAbsent: () => Promise.reject(new EngineError('outside', ++tries === 1 ? 'lake.disk-full' : 'lake.io', 'no')),
    };
    assert.is(await codeOf(commit(broken, base, change(), clock)), 'lake.disk-full');
    assert.is((await readTable(shop.lake, 'broken')).version, -1);
  });

  test('a commit that landed is known as such, also when the lease is lost or the run is stopped before the second try', async () => {
    const base = await readTable(shop.lake, 'landed');
    const deaf: Lake = {
      ...shop.lake,
      createIfAbsent: async (path, content) => {
        await shop.lake.createIfAbsent(path, content);
        throw new EngineError('outside', 'lake.io', 'the answer was lost', { retryable: true });
      },
    };
    let checks = 0;
    const check = async (): Promise<void> => {
      checks += 1;
      if (checks > 1) throw new EngineError('stopped', 'run.stopped', 'stop');
    };
    assert.equal(await commit(deaf, base, change({ check }), clock), { version: 0, alreadyThere: true });
  });

  test('what cannot be known is said, so that the files stay', async () => {
    const lost = (): Promise<never> => Promise.reject(new EngineError('outside', 'lake.io', 'no answer', { retryable: true }));
    const silent: Lake = { ...shop.lake, createIfAbsent: lost };
    assert.is(
      await codeOf(commit(silent, await readTable(shop.lake, 'silent'), change(), clock)),
      'lake.commit-unknown',
      'it may still arrive',
    );
    const full = (): Promise<never> => Promise.reject(new EngineError('outside', 'lake.disk-full', 'full'));
    const blind: Lake = { ...shop.lake, createIfAbsent: full, read: lost };
    assert.is(
      await codeOf(commit(blind, await readTable(shop.lake, 'silent'), change(), clock)),
      'lake.commit-unknown',
      'nothing can be read',
    );
    const taken: Lake = { ...shop.lake, createIfAbsent: async () => 'exists', read: lost };
    assert.is(await codeOf(commit(taken, await readTable(shop.lake, 'silent'), change(), clock)), 'lake.commit-unknown', 'whose it is');
  });

  test('rows, columns or an extract of somebody else in between are refused', async () => {
    const cases: readonly (readonly [string, readonly Action[]])[] = [
      ['rows added', [addOf('other', true)]],
      ['rows removed', [removeOf('f', true)]],
      [
        'an extract without rows',
        [{ commitInfo: { timestamp: 0, operation: 'WRITE', engine: engineCommit({ run: 'other', extractedAt: at(5) }) } }],
      ],
    ];
    for (const [name, actions] of cases) {
      const folder = `moved ${name}`;
      await commit(shop.lake, await readTable(shop.lake, folder), change({ files: [{ path: 'f', size: 1, rows: 1 }] }), clock);
      const base = await readTable(shop.lake, folder);
      const version = (await readTable(shop.lake, folder)).version + 1;
      await shop.lake.createIfAbsent(entryPath(folder, version), entryBytes(actions));
      const mine = change({ commit: engineCommit({ run: 'mine', extractedAt: at(10) }) });
      const error: unknown = await commit(shop.lake, base, mine, clock).catch((e: unknown) => e);
      assert.ok(error instanceof EngineError, name);
      assert.is(error.code, 'lake.moved', name);
      assert.is(error.trouble, 'refused', name);
      assert.is((await readTable(shop.lake, folder)).version, version, name);
    }
  });

  test('columns changed by somebody else are refused, a setting is kept', async () => {
    await shop.write('settings', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const base = await readTable(shop.lake, 'settings');
    if (base.metadata === undefined) throw new Error('no metadata');
    const configuration = { ...base.metadata.configuration, 'delta.logRetentionDuration': 'interval 1 year' };
    await byOthers(shop.lake, 'settings', [{ metaData: { ...base.metadata, configuration } }]);
    const mine = change({ commit: engineCommit({ run: 'mine', extractedAt: at(100) }), configuration: { 'engine.key': '["id"]' } });
    assert.is((await commit(shop.lake, base, mine, clock)).version, 2);
    const state = await readTable(shop.lake, 'settings');
    assert.equal(state.metadata?.configuration, {
      'delta.enableExpiredLogCleanup': 'false',
      'engine.key': '["id"]',
      'delta.logRetentionDuration': 'interval 1 year',
    });
    await byOthers(shop.lake, 'settings', [{ metaData: { ...base.metadata, schemaString: '{"type":"struct","fields":[]}' } }]);
    const next = change({ commit: engineCommit({ run: 'next', extractedAt: at(200) }) });
    assert.is(await codeOf(commit(shop.lake, state, next, clock)), 'lake.moved');
  });

  test("a full one above somebody else's compaction removes what the compaction made", async () => {
    await shop.write('compacted', { mode: 'full', rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const base = await readTable(shop.lake, 'compacted');
    await byOthers(shop.lake, 'compacted', [removeOf(base.files[0]?.add.path ?? '', false), addOf('compacted.parquet', false)]);
    const result = await shop.write('compacted', { mode: 'full', rows: "SELECT 2::BIGINT AS id, 'b' AS v", base });
    assert.is(result.version, 2);
    const state = await readTable(shop.lake, 'compacted');
    assert.is(state.files.length, 1);
    assert.equal(
      (await entryOf(shop.lake, 'compacted', 2)).flatMap((a) => ('remove' in a ? [a.remove.path] : [])),
      ['compacted.parquet'],
    );
  });

  test('an extract that is not newer than the newest is refused', async () => {
    await shop.write('order', { commit: { extractedAt: at(10) } });
    for (const extractedAt of [at(10), at(9)]) {
      const base = await readTable(shop.lake, 'order');
      const old = change({ commit: engineCommit({ run: 'old', extractedAt }) });
      assert.is(await codeOf(commit(shop.lake, base, old, clock)), 'lake.not-newer');
    }
    assert.is((await readTable(shop.lake, 'order')).version, 0);
  });

  test('a timestamp without zone raises the protocol, also later; it never goes down again', async () => {
    const zoneless = lakeFields([
      { name: 'id', type: 'long', postgresType: 'bigint', baseType: 'bigint' },
      { name: 'v', type: 'string', postgresType: 'text', baseType: 'text' },
      { name: 'w', type: 'timestamp_ntz', postgresType: 'timestamp', baseType: 'timestamp' },
    ]);
    const raised = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
    };
    await shop.write('ntz now', { fields: zoneless });
    assert.equal((await readTable(shop.lake, 'ntz now')).protocol, raised);
    await shop.write('ntz later', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    await shop.write('ntz later', { fields: zoneless });
    assert.equal(kinds(await entryOf(shop.lake, 'ntz later', 1)), ['commitInfo', 'protocol', 'metaData', 'txn', 'txn']);
    assert.equal((await readTable(shop.lake, 'ntz later')).protocol, raised);
    await shop.write('ntz later', { mode: 'full' });
    assert.equal(kinds(await entryOf(shop.lake, 'ntz later', 2)), ['commitInfo', 'metaData', 'txn', 'txn', 'remove']);
    assert.equal((await readTable(shop.lake, 'ntz later')).protocol, raised);
  });

  test('an incremental extract cannot drop or change a column of rows that stay, a full one can', async () => {
    await shop.write('columns', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const changed = lakeFields([{ name: 'id', type: 'string', postgresType: 'text', baseType: 'text' }]);
    assert.is(await codeOf(shop.write('columns', { fields: changed })), 'lake.columns-changed');
    await shop.write('columns', { fields: changed, mode: 'full', rows: "SELECT 'x' AS id" });
    assert.equal((await readTable(shop.lake, 'columns')).fields, changed);
  });

  test('a table that asks for more than this engine knows is left alone', async () => {
    await shop.write('features', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] };
    await byOthers(shop.lake, 'features', [{ protocol }]);
    assert.is(await codeOf(readTable(shop.lake, 'features')), 'lake.feature-unknown');
    await shop.write('writer features', { rows: "SELECT 1::BIGINT AS id, 'a' AS v" });
    await byOthers(shop.lake, 'writer features', [
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking', 'domainMetadata'] } },
    ]);
    assert.is((await readTable(shop.lake, 'writer features')).version, 1, 'it can be read');
    assert.is(await codeOf(shop.write('writer features', {})), 'lake.feature-unknown');
  });

  test("the engine's own commits are the history, newest first, others' left out", async () => {
    await shop.write('history', { commit: { run: 'a' } });
    await byOthers(shop.lake, 'history', [addOf('x', false)]);
    await shop.write('history', { commit: { run: 'b' } });
    const found: string[] = [];
    for await (const { version, commit } of engineCommits(shop.lake, 'history')) found.push(`${version} ${commit.run}`);
    assert.equal(found, ['2 b', '0 a']);
  });
});
