import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { openFileLake } from '../../../connectors/file/lake.ts';
import type { EventsPage, LogPage, PipelinePage, RunPage } from '../../../engine/api.ts';
import type { Overview } from '../../../engine/api-overview.ts';
import type { SearchPage } from '../../../engine/api-search.ts';
import type { TablePage, VersionsPage } from '../../../engine/api-table.ts';
import { EngineError } from '../../../engine/error.ts';
import type { EventBody } from '../../../engine/event.ts';
import type { History } from '../../../engine/history.ts';
import { takesGzip } from '../../../engine/serve/compressed.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { askAt, createStage, type Stage } from './stage.ts';

const done: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'log', level: 'info', node: 'extract users', text: 'Reads from 02:05' },
  {
    type: 'node.succeeded',
    node: 'extract users',
    result: { summary: '9 rows', rows: 9, facts: { fence: '2026-01-31T09:00:00Z', version: 0, heldBy: 'pid 4411 (pg_dump)' } },
  },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'node.succeeded', node: 'load users', result: { summary: '9 new', rows: 9, facts: { lakeVersion: 0 } } },
  { type: 'run.succeeded' },
];
const failed: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  {
    type: 'node.failed',
    node: 'extract users',
    error: { code: 'postgres.lost', trouble: 'outside', message: 'the server is gone', hint: 'Start it.', retryable: false },
  },
  { type: 'run.failed', error: { code: 'postgres.lost', trouble: 'outside', message: 'the server is gone', retryable: false } },
];

suite('the API', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
    await stage.keepRun('run-1', 'sync', done);
    await stage.keepRun('run-2', 'sync', failed);
  });
  after(() => stage?.close());

  test('the overview has pipelines with their next times and runs, tables with their age, and who leads', async () => {
    const { status, body } = await stage.ask<Overview>('/api/v1/overview');
    assert.is(status, 200);
    assert.equal(
      body.pipelines.map(({ pipeline }) => pipeline),
      ['sync', 'nightly'],
    );
    const [sync] = body.pipelines;
    assert.is(sync?.schedules[0]?.words, 'every 15 minutes');
    const page = (await stage.ask<PipelinePage>('/api/v1/pipelines/sync')).body;
    assert.is(sync?.next, page.schedules[0]?.fires[0]?.at ?? 'none');
    assert.equal(
      sync?.runs.map(({ runId, state }) => [runId, state]),
      [
        ['run-2', 'failed'],
        ['run-1', 'succeeded'],
      ],
    );
    assert.ok((sync?.runs[1]?.tookMs ?? -1) >= 0);
    assert.is(sync?.rowsLoaded, 9);
    const users = body.tables.find(({ table }) => table === 'users');
    assert.equal(users?.pipelines, ['sync', 'nightly']);
    assert.is(users?.asOf, '2026-01-31T09:00:00Z');
    assert.equal(
      [users?.loaded?.runId, users?.loaded?.node, users?.loaded?.rows, users?.loaded?.lakeVersion],
      ['run-1', 'load users', 9, 0],
    );
    assert.is(users?.heldBy, 'pid 4411 (pg_dump)');
    assert.is(body.daemon.leader, undefined);
    assert.is(body.daemon.self.leads, false);
  });

  test('a run comes with its nodes, its events in pages, and its log', async () => {
    const run = (await stage.ask<RunPage>('/api/v1/runs/run-1')).body;
    assert.is(run.run.state, 'succeeded');
    assert.is(run.seq, 7);
    const first = (await stage.ask<EventsPage>('/api/v1/runs/run-1/events?limit=3')).body;
    assert.equal([first.events.length, first.next], [3, 3]);
    const rest = (await stage.ask<EventsPage>(`/api/v1/runs/run-1/events?after=${first.next}`)).body;
    assert.equal([rest.events.length, rest.next], [4, undefined]);
    const log = (await stage.ask<LogPage>('/api/v1/runs/run-1/log?search=READS')).body;
    assert.equal(
      log.lines.map(({ level, node, text }) => [level, node, text]),
      [['info', 'extract users', 'Reads from 02:05']],
    );
    assert.is((await stage.ask<LogPage>('/api/v1/runs/run-2/log?level=error')).body.lines.length, 2);
    const text = await stage.ask('/api/v1/runs/run-1/log.txt');
    assert.is(text.headers['content-disposition'], 'attachment; filename="run-run-1.txt"');
    assert.match(text.text, /info {3}extract users: Reads from 02:05\n/);
    assert.is((await stage.ask('/api/v1/runs/nobody')).status, 404);
  });

  test('the log of an attempt goes from its beginning up to the next one, in pages and as a text', async () => {
    const started = (node: string, attempt: number): EventBody => ({ type: 'node.started', node, attempt });
    const said = (node: string, text: string): EventBody => ({ type: 'log', level: 'info', node, text });
    // In one moment: its events are told apart by their order alone.
    await stage.keepRun('run-3', 'sync', [
      started('extract users', 1),
      said('extract users', 'one'),
      started('load users', 1),
      said('load users', 'of another node'),
      said('extract users', 'still one'),
      started('extract users', 2),
      said('extract users', 'two'),
      { type: 'run.cancelled', reason: 'over' },
    ]);
    const log = async (query: string): Promise<readonly string[]> =>
      (await stage.ask<LogPage>(`/api/v1/runs/run-3/log?node=extract+users&${query}`)).body.lines.map(({ text }) => text);
    const [first, second] = [await log('attempt=1'), await log('attempt=2')];
    assert.equal([first.slice(1), second.slice(1)], [['one', 'still one'], ['two']]);
    assert.equal(await log('attempt=1&after=5'), ['still one']);
    assert.equal(await log('attempt=1&after=6'), [], 'what comes after it is not its own');
    assert.equal(await log('attempt=3'), []);
    const { text } = await stage.ask('/api/v1/runs/run-3/log.txt?node=extract+users&attempt=2');
    assert.ok(/two/.test(text) && !/one/.test(text), text);
    const without = await stage.ask('/api/v1/runs/run-3/log?attempt=1');
    assert.equal([without.status, without.error?.code], [400, 'log.attempt']);
    assert.is((await stage.ask('/api/v1/runs/run-3/log.txt?attempt=1')).status, 400);
    assert.is((await stage.ask('/api/v1/runs/run-3/log.txt?node=x&attempt=0')).status, 400);
  });
});

suite('long answers', ({ test }) => {
  test('go compressed to whoever takes gzip, and as they are to all others; an overview of 200 pipelines with 30 runs each is below 300 kB', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `pipeline_${i}`);
    const config = configOf(
      names.map((name) => tableOf(name)),
      names.map((name) => pipelineOf(name, [name])),
    );
    const stage = await createStage({ config: async () => config });
    try {
      const client = await stage.database.client();
      // Ids as they are in life: the second half is not to be guessed, and so not to be compressed.
      await client.query(
        `INSERT INTO engine.runs (run_id, pipeline, mode, state, started_at, ended_at, host, pid)
         SELECT '01' || upper(translate(substr(md5(random()::text), 1, 24), 'oil', 'xyz')), 'pipeline_' || (g % 200), 'incremental',
                CASE WHEN g % 50 = 0 THEN 'failed' ELSE 'succeeded' END, now() - g * interval '1 minute', now() - g * interval '1 minute' + random() * interval '1 minute', 'h', 1
         FROM generate_series(1, 8000) g`,
      );
      await client.end();
      const url = `${stage.server.url}/api/v1/overview`;
      const [plain, short] = await Promise.all(
        ['identity', 'gzip, br'].map(async (accepted) => {
          const answer = await fetch(url, { headers: { 'accept-encoding': accepted } });
          const head = (name: string): string | null => answer.headers.get(name);
          const body = (await answer.json()) as Overview;
          return { length: Number(head('content-length')), encoding: head('content-encoding'), vary: head('vary'), body };
        }),
      );
      assert.equal([plain?.encoding, plain?.vary, short?.encoding, short?.vary], [null, 'accept-encoding', 'gzip', 'accept-encoding']);
      assert.ok((short?.length ?? 0) > 10_000 && (short?.length ?? 0) < 300_000, `${short?.length} bytes of ${plain?.length}`);
      assert.equal(short?.body.pipelines, plain?.body.pipelines);
      assert.ok(plain?.body.pipelines.every(({ runs }) => runs.length === 30));
    } finally {
      await stage.close();
    }
  });

  test('are asked for by name, and not with a weight of nothing', () => {
    const cases: readonly (readonly [string | undefined, boolean])[] = [
      ['gzip', true],
      ['br;q=1, GZIP;q=0.2', true],
      ['gzip;q=0', false],
      ['gzip; q=0.000, br', false],
      ['identity', false],
      ['gzipper', false],
      ['', false],
      [undefined, false],
    ];
    for (const [accepted, takes] of cases) assert.is(takesGzip(accepted), takes, accepted);
  });
});

suite('the search of runs', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
    await stage.keepRun('01ABC-1', 'sync', done);
    await stage.keepRun('01ABC-2', 'sync', failed);
  });
  after(() => stage?.close());
  const found = async (q: string, more = ''): Promise<readonly (readonly [string, string | undefined])[]> =>
    (await stage.ask<SearchPage>(`/api/v1/search?q=${encodeURIComponent(q)}${more}`)).body.runs.map(({ runId, cause }) => [runId, cause]);

  test('finds them by a part of their id, the newest first, and by what those said that ended badly', async () => {
    assert.equal(await found('01abc'), [
      ['01ABC-2', undefined],
      ['01ABC-1', undefined],
    ]);
    assert.equal(await found('01abc', '&limit=1'), [['01ABC-2', undefined]]);
    assert.equal(await found('Server is GONE'), [['01ABC-2', 'the server is gone']]);
    assert.equal(await found('no such thing'), []);
    assert.equal(await found('%'), []);
    assert.equal(await found('  '), []);
    assert.is((await stage.ask('/api/v1/search')).status, 400);
  });
});

suite('the API while its store is away', ({ test }) => {
  test('what was known last is still shown, with since when; what cannot be answered is 503; it is well again with the store', async () => {
    const trouble: { away: boolean } = { away: false };
    const stage = await createStage();
    const parts = stage.parts;
    const pipelines: History['pipelines'] = async (...asked) => {
      if (trouble.away) throw new EngineError('outside', 'store.failed', 'the state store failed: it is away', { retryable: true });
      return parts.history.pipelines(...asked);
    };
    const server = await stage.another({ history: { ...parts.history, pipelines } });
    const overview = () => askAt<Overview>(server.url, '/api/v1/overview');
    try {
      const before = await overview();
      assert.is(before.body.storeDown, undefined);
      trouble.away = true;
      await waitUntil(async () => (await overview()).body.storeDown !== undefined, 'the overview of before');
      const down = await overview();
      assert.equal([down.status, down.body.pipelines.length, down.body.at], [200, 2, before.body.at]);
      assert.match(down.body.storeDown?.message ?? '', /it is away/);
      const page = await askAt(server.url, '/api/v1/pipelines/sync');
      assert.equal([page.status, page.error?.code], [503, 'store.failed']);
      trouble.away = false;
      assert.is((await overview()).body.storeDown, undefined);
    } finally {
      await stage.close();
    }
  });

  test('without its database nobody is let in who needs a token, and callers on this machine get errors that say so', async () => {
    const stage = await createStage();
    try {
      const token = await stage.makeToken('alice');
      await stage.ask('/api/v1/overview');
      await stage.database.drop();
      const headers = { 'x-forwarded-for': '203.0.113.7', authorization: `Bearer ${token}` };
      assert.is((await stage.ask('/api/v1/overview', { headers })).status, 503);
      await waitUntil(async () => (await stage.ask<Overview>('/api/v1/overview')).body.storeDown !== undefined, 'the overview of before');
      const run = await stage.ask('/api/v1/runs/run-1');
      assert.equal([run.status, run.error?.code], [503, 'store.failed']);
      assert.is((await stage.ask('/')).status, 200);
    } finally {
      await stage.close();
    }
  });
});

suite('tables', ({ test }) => {
  test('versions of the lake come newest first; one that cannot be read is said, and the rest is shown', async () => {
    const files = new Map<string, string>();
    const entry = (timestamp: unknown, operation: string): string => JSON.stringify({ commitInfo: { timestamp, operation } });
    for (let version = 0; version < 30; version += 1)
      files.set(`users/_delta_log/${String(version).padStart(20, '0')}.json`, `${entry(1_700_000_000_000 + version, 'WRITE')}\n`);
    files.set(`users/_delta_log/${'30'.padStart(20, '0')}.json`, `${entry(9e18, 'OPTIMIZE')}\n`);
    let broken = false;
    const folder = mkdtempSync(join(tmpdir(), 'engine-lake-'));
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const stage = await createStage({
      lake: async () => {
        if (broken) throw new EngineError('outside', 'lake.unreachable', 'the lake cannot be reached');
        return openFileLake(folder);
      },
    });
    try {
      const { versions } = (await stage.ask<VersionsPage>('/api/v1/tables/users/versions?limit=20')).body;
      assert.equal(
        [versions.length, versions[0]?.version, versions[0]?.at, versions[0]?.operation],
        [20, 30, '1970-01-01T00:00:00.000Z', 'OPTIMIZE'],
      );
      assert.equal(versions[1], {
        version: 29,
        at: '2023-11-14T22:13:20.029Z',
        operation: 'WRITE',
        files: 0,
        rows: 0,
        bytes: 0,
        removed: 0,
      });
      broken = true;
      const unread = await stage.ask('/api/v1/tables/users/versions');
      assert.equal([unread.status, unread.error?.message], [503, 'the lake cannot be reached']);
      const { status, body } = await stage.ask<TablePage>('/api/v1/tables/users');
      assert.equal([status, body.table], [200, 'users']);
      assert.equal((await stage.ask('/api/v1/tables/orders')).status, 200);
      assert.is((await stage.ask('/api/v1/tables/user')).error?.hint, 'Did you mean users?');
    } finally {
      await stage.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
