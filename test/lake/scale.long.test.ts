import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openFileLake } from '../../connectors/file/lake.ts';
import { openS3 } from '../../connectors/s3/client.ts';
import { openS3Lake } from '../../connectors/s3/lake.ts';
import { s3Settings } from '../../connectors/s3/settings.ts';
import type { Action } from '../../lake/action.ts';
import { checkpointEvery, writeCheckpoint } from '../../lake/checkpoint.ts';
import { commit } from '../../lake/commit.ts';
import type { Lake } from '../../lake/lake.ts';
import { readEntry, readTable, versionsToLoad } from '../../lake/log.ts';
import { entryPath } from '../../lake/path.ts';
import { applyEntry, dataId, emptyReplay, entryBytes, fenceId } from '../../lake/replay.ts';
import type { TableState } from '../../lake/table.ts';
import { readDelta, storageOptions } from '../support/deltalake.ts';
import { at, engineCommit, idAndText } from '../support/lake-table.ts';
import { missingS3, startS3 } from '../support/s3.ts';
import { suite } from '../support/suite.ts';

const commits = 10_000;
const filesOfCommit = 10;
const clock = { now: () => Date.now(), sleep: async (): Promise<void> => undefined };

interface Place {
  /** A lake as a new process opens it. */
  open(): Lake;
  /** What delta-rs opens. */
  readonly uri: string;
  readonly storage: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** What the log asked of a lake. */
interface Asked {
  reads: number;
  fetches: number;
  listed: number;
}

function counted(lake: Lake): { readonly lake: Lake; readonly asked: Asked } {
  const asked: Asked = { reads: 0, fetches: 0, listed: 0 };
  return {
    asked,
    lake: {
      ...lake,
      read: (path) => {
        asked.reads += 1;
        return lake.read(path);
      },
      fetch: (path) => {
        asked.fetches += 1;
        return lake.fetch(path);
      },
      async *list(folder, after) {
        for await (const file of lake.list(folder, after)) {
          asked.listed += 1;
          yield file;
        }
      },
    },
  };
}

/** An incremental commit of ten files, as `commit` writes it. */
function actionsOf(version: number): readonly Action[] {
  const files = Array.from({ length: filesOfCommit }, (_, i) => ({
    add: {
      path: `20261125T101010123456Z-01M83BA058VKAVJXHPGH0HXEG8-${version}/part-${i}.parquet`,
      partitionValues: {},
      size: 100_000 + version,
      modificationTime: 1_790_000_000_000 + version,
      dataChange: true,
      stats: JSON.stringify({ numRecords: 1000 }),
    },
  }));
  const said = engineCommit({ run: `run-${version}`, mode: 'incremental', extractedAt: at(version), fence: at(version) });
  return [
    {
      commitInfo: {
        timestamp: 1_790_000_000_000 + version,
        operation: 'WRITE',
        operationParameters: { mode: 'Append', partitionBy: '[]' },
        engineInfo: 'pipeline-engine',
        engine: { ...said, dataBefore: version - 1 },
      },
    },
    { txn: { appId: fenceId, version: 1_770_000_000_000_001 + version * 1_000_000, lastUpdated: 1 } },
    { txn: { appId: dataId, version, lastUpdated: 1 } },
    ...files,
  ];
}

const newCommit = (run: string, seconds: number, files: number): Parameters<typeof commit>[2] => ({
  commit: engineCommit({ run, mode: seconds === 0 ? 'full' : 'incremental', extractedAt: at(seconds), fence: at(seconds) }),
  fields: idAndText,
  configuration: {},
  files: Array.from({ length: files }, (_, i) => ({ path: `${run}/part-${i}.parquet`, size: 1, rows: 1 })),
  check: async () => undefined,
});

/** Versions 0 to 9,998 with a checkpoint as old as one gets: the next commit but one makes a new one. */
async function makeTable(lake: Lake): Promise<void> {
  const last = commits - 2;
  await commit(lake, await readTable(lake, 't'), newCommit('first', 0, filesOfCommit), clock);
  const first = await readEntry(lake, 't', 0);
  const replay = emptyReplay();
  if (first !== undefined) applyEntry(replay, first);
  for (let from = 1; from <= last; from += 32) {
    const versions = Array.from({ length: Math.min(32, last - from + 1) }, (_, i) => from + i);
    await Promise.all(versions.map((v) => lake.createIfAbsent(entryPath('t', v), entryBytes(actionsOf(v)))));
    for (const version of versions) {
      applyEntry(replay, { version, actions: actionsOf(version) });
      if (version === commits - checkpointEvery) await writeCheckpoint(lake, 't', replay, clock);
    }
  }
}

async function measured<T>(
  what: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly cpuMs: number; readonly wallMs: number }> {
  const began = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const used = process.cpuUsage(before);
  const cpuMs = (used.user + used.system) / 1000;
  const wallMs = performance.now() - began;
  process.stdout.write(`scale: ${what}: ${cpuMs.toFixed(0)} ms of CPU, ${wallMs.toFixed(0)} ms\n`);
  return { value, cpuMs, wallMs };
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  'a folder': async () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-scale-')));
    return { open: () => openFileLake(root), uri: join(root, 't'), storage: {}, close: () => rm(root, { recursive: true }) };
  },
  'S3 (versitygw)': async () => {
    const server = await startS3('versitygw');
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-scale-')));
    const s3 = openS3(s3Settings({ bucket: server.bucket, endpoint: server.endpoint }));
    return {
      open: () => openS3Lake(s3, root),
      uri: `s3://${server.bucket}/t`,
      storage: storageOptions(server),
      close: async () => {
        await s3.close();
        await server.close();
        await rm(root, { recursive: true, force: true });
      },
    };
  },
};

const missing = await missingS3('versitygw');
for (const [name, make] of Object.entries(places))
  suite(`a table of 10,000 commits and 100,000 files in ${name}`, ({ test, before, after, skip }) => {
    if (missing !== undefined && name !== 'a folder') return skip('all of it', missing);
    let place: Place;
    before(async () => {
      place = await make();
      await measured(`${name}: making the table`, () => makeTable(place.open()));
    });
    after(() => place?.close());

    test('listing and log of a run cost less than 2 s: one checkpoint is read, and the entries after it', async () => {
      const { lake, asked } = counted(place.open());
      // What a run does: where the extract starts (twice: with the lease, then below it), its commit, what the load has to take.
      const run = await measured(`${name}: log of a run`, async () => {
        await readTable(lake, 't');
        const base: TableState = await readTable(lake, 't');
        const done = await commit(lake, base, newCommit('run-a', commits - 1, filesOfCommit), clock);
        const news = await versionsToLoad(lake, 't', base.version, base.metadata?.id);
        return { base, done, news };
      });
      process.stdout.write(`scale: ${name}: ${asked.reads} files read, ${asked.fetches} fetched, ${asked.listed} listed\n`);
      const { base, done, news } = run.value;
      assert.is(base.version, commits - 2);
      assert.is(base.files.length, (commits - 1) * filesOfCommit);
      assert.is(base.last?.version, commits - 2);
      assert.is(base.fence, at(commits - 2));
      assert.is(done.version, commits - 1);
      assert.equal(
        news.versions.map((v) => [v.version, v.files.length]),
        [[commits - 1, filesOfCommit]],
      );
      assert.is(news.state.files.length, commits * filesOfCommit);
      assert.is(asked.fetches, 1, 'the checkpoint');
      assert.ok(asked.listed <= 3 * (checkpointEvery + 2), `${asked.listed} names listed`);
      assert.ok(asked.reads <= 3 * (checkpointEvery + 1) + 2, `${asked.reads} files read`);
      assert.ok(run.cpuMs < 2_000, `${run.cpuMs} ms of CPU`);
      assert.ok(run.wallMs < 20_000, `${run.wallMs} ms, on a machine that does other things too`);
    });

    test('the commit that makes a checkpoint leaves one that is read alone', async () => {
      const { lake, asked } = counted(place.open());
      const done = await measured(`${name}: a commit with its checkpoint`, async () =>
        commit(lake, await readTable(lake, 't'), newCommit('run-b', commits, 0), clock),
      );
      assert.is(done.value.version, commits);
      assert.is(done.value.warning, undefined);
      const fresh = counted(place.open());
      const state = await measured(`${name}: reading the table from its new checkpoint`, () => readTable(fresh.lake, 't'));
      assert.is(state.value.checkpoint, commits);
      assert.is(state.value.version, commits);
      assert.is(state.value.files.length, commits * filesOfCommit);
      assert.is(fresh.asked.fetches, 1);
      assert.ok(fresh.asked.reads <= 3 && asked.fetches <= 2, `${fresh.asked.reads} files read`);
      assert.ok(done.wallMs < 60_000, `${done.wallMs} ms`);
    });

    test('delta-rs reads its version and its files', async () => {
      const table = await readDelta(place.uri, 'SELECT 1 AS one', 'nothing', place.storage);
      assert.is(table.version, commits);
      assert.is(table.files, commits * filesOfCommit);
      assert.is(table.transactions[dataId], commits - 1);
    });
  });
