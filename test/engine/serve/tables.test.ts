import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openFileLake } from '../../../connectors/file/lake.ts';
import type { ActionsPage } from '../../../engine/api.ts';
import type { LoadsPage, PreviewPage, TableLine, TableLive, TablesPage, VersionPage, VersionsPage } from '../../../engine/api-table.ts';
import { EngineError } from '../../../engine/error.ts';
import { hiddenBy, hiddenNow } from '../../../engine/serve/table-preview.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { askAt, type Stage } from './stage.ts';
import { createTableStage, secret } from './table-stage.ts';

const noHost = new EngineError('outside', 'postgres.refused', 'nobody listens', { hint: 'Start it.' });
suite('tables in the API', ({ test, before, after }) => {
  let stage: Stage;
  let close: () => Promise<void>;

  before(async () => {
    ({ stage, close } = await createTableStage());
  });
  after(() => close?.());

  const body = async <T>(path: string): Promise<T> => {
    const answer = await stage.ask<T>(`/api/v1${path}`);
    assert.is(answer.status, 200, answer.text);
    return answer.body;
  };
  const live = (): Promise<TableLive> => body('/tables/users/live');

  test('the list answers at once, and has sizes as soon as they were looked up', async () => {
    await waitUntil(async () => {
      const { tables } = await body<TablesPage>('/tables');
      const users = tables.find(({ table }) => table === 'users');
      return users?.lake !== undefined && users.staging !== undefined;
    }, 'sizes');
    const { tables } = await body<TablesPage>('/tables');
    assert.equal(
      tables.map(({ table, pipelines }) => [table, pipelines]),
      [
        ['users', ['sync', 'nightly']],
        ['orders', ['sync']],
        ['lost', ['nightly']],
      ],
    );
    const [users, orders] = tables;
    assert.equal([users?.lake?.version, users?.lake?.files, users?.staging?.rows], [3, 1, 30]);
    assert.is(users?.analyticsAsOf, '2026-01-31T09:00:00.000001Z');
    assert.is(orders?.staging, undefined);
  });

  test('what is there now: rows and bytes at each place, and the models that read it, whoever reads whom', async () => {
    const { source, lake: inLake, staging, analytics } = await live();
    assert.equal([source.found?.system, source.found?.relation, source.found?.kind], ['production', 'public.users', 'table']);
    assert.equal([inLake.found?.version, inLake.found?.files, inLake.found?.rows], [3, 1, 5]);
    assert.equal([staging.found?.rows, staging.found?.exact], [6, true], 'what its loads add up to');
    assert.equal(
      analytics.found?.models.map((one) => [one.name, one.direct, one.stands, one.rows, one.tests.passed, one.tests.warned, one.runId]),
      [
        ['stg_users', true, 'view', undefined, 1, 0, 'run-1'],
        ['people', false, 'table', 30, 1, 1, 'run-1'],
      ],
    );
  });

  test('the way of each column, with its mask, its name and type at each place, and what differs', async () => {
    const { columns: ways } = await live();
    const line = ways.map(({ source, lake: inLake, staging, mask, differences, note }) =>
      [
        source?.name,
        inLake && `${inLake.name} ${inLake.type}`,
        staging && `${staging.name} ${staging.type}`,
        mask,
        differences.join('; '),
        note,
      ]
        .map((x) => x ?? '-')
        .join(' | '),
    );
    assert.equal(line, [
      'id | id long | id bigint | - |  | -',
      'mail | email string | email text | redact |  | -',
      'password | - | - | - |  | stays in the source: left out by columns in pipelines.yaml',
      'amount | amount decimal(12,2) | amount numeric(12,2) | - | was numeric(12,2) when it was extracted last | -',
      'updated_at | - | updated_at timestamp with time zone | - | not in the lake yet | -',
      'fresh | - | - | - | not in the lake yet; not in staging yet | -',
      '- | gone string | gone text | - | not taken from the source any more | -',
      '- | - | mail text | - | in staging only | -',
      '- | - | password text | - | in staging only | -',
      "- | _extracted_at timestamp | _extracted_at timestamp with time zone | - |  | the engine's: when the row was read, by the source's clock",
      "- | - | _loaded_at timestamp with time zone | - |  | the engine's: when the row was loaded, by the sink's clock",
      '- | - | by_hand integer | - | in staging only | -',
    ]);
  });

  test('the newest rows, without a value that is masked or left out by now, whatever staging still holds; who looked is recorded', async () => {
    const answer = await stage.ask<PreviewPage>('/api/v1/tables/users/preview', { method: 'POST' });
    assert.is(answer.status, 200, answer.text);
    const page = answer.body;
    assert.equal([page.order, page.newestBy, page.rows.length], ['newest', 'updated_at', 20]);
    assert.equal(
      page.columns.filter(({ hidden }) => hidden !== undefined).map(({ name, hidden }) => `${name} ${hidden}`),
      ['email masked', 'mail masked', 'password excluded'],
    );
    assert.equal(
      page.columns.filter((column) => column.numeric).map(({ name }) => name),
      ['id', 'amount', 'by_hand'],
    );
    assert.equal(page.rows[0]?.slice(0, 6), [{ text: '30', cut: false }, null, null, null, { text: '2.50', cut: false }, null]);
    assert.not.match(answer.text, new RegExp(secret));
    assert.not.match(JSON.stringify([stage.logged, stage.told]), new RegExp(secret));
    const [action] = (await stage.ask<ActionsPage>('/api/v1/actions?limit=1')).body.actions;
    assert.equal(
      [action?.action, action?.subject, action?.outcome, action?.who],
      ['preview', 'users', 'saw 20 rows of staging.users', 'local'],
    );
    const empty = await stage.ask('/api/v1/tables/orders/preview', { method: 'POST' });
    assert.equal([empty.status, empty.error?.code], [409, 'preview.empty']);
  });

  test('where columns are named, what staging has beside them is from before they were, and is not shown', () => {
    const columns = {
      include: ['id', 'mail', 'old'],
      exclude: ['old'],
      rename: { mail: 'email' },
      types: {},
      mask: { mail: 'hash' },
    } as const;
    const hidden = hiddenBy({ columns });
    assert.equal(
      ['id', 'email', 'mail', 'old', 'password', '_extracted_at', '_loaded_at'].map((name) => hidden(name)),
      [undefined, 'masked', 'masked', 'excluded', 'excluded', undefined, undefined],
    );
    assert.is(hiddenBy({ columns: { ...columns, include: undefined } })('by_hand'), undefined);
  });

  test('under the name that a pattern gave a table, what is masked or left out where somebody declared it since is not shown', async () => {
    const columns = {
      include: undefined,
      exclude: ['password'],
      rename: { mail: 'address' },
      types: {},
      mask: { mail: 'redact' },
    } as const;
    // What the lake says of it.
    const relation = { schema: 'public', name: 't' };
    const people = tableOf('people', { relation, columns });
    const { tableDefaults } = configOf([], []);
    const config = configOf([people, tableOf('orders')], [pipelineOf('sync', ['public.*'])], {
      // By which the column was loaded as `email`.
      tableDefaults: { ...tableDefaults, columns: { ...tableDefaults.columns, rename: { mail: 'email' } } },
    });
    const old = await createTableStage({ config: async () => config });
    try {
      const client = await old.stage.database.client();
      await client.query('ALTER TABLE staging.users RENAME TO t');
      await client.end();
      const answer = await old.stage.ask<PreviewPage>('/api/v1/tables/users/preview', { method: 'POST' });
      assert.is(answer.status, 200, answer.text);
      const page = answer.body;
      assert.is(page.rows.length, 20);
      assert.equal(
        page.columns.filter(({ hidden }) => hidden !== undefined).map(({ name, hidden }) => `${name} ${hidden}`),
        ['email masked', 'mail masked', 'password excluded'],
      );
      assert.not.match(answer.text, new RegExp(secret));
    } finally {
      await old.close();
    }
    const users = tableOf('users', { relation });
    const elsewhere = tableOf('people', { source: 'other', columns });
    assert.is(hiddenNow({ tables: { people } }, users)('address'), 'masked', 'by its own name too');
    assert.is(hiddenNow({ tables: { people: elsewhere } }, users)('mail'), undefined, 'another source');
    assert.is(hiddenNow({ tables: { people: { ...elsewhere, into: users.into } } }, users)('mail'), 'masked', 'the same staging table');
    assert.is(hiddenNow({ tables: { people, users } }, users)('mail'), undefined, 'declared itself');
  });

  test('loads in numbers: how many rows are there follows from the last one that replaced all', async () => {
    const { loads } = await body<LoadsPage>('/tables/users/loads');
    assert.equal(
      loads.map((load) => [load.runId, load.rows, load.inserted, load.updated, load.unchanged, load.replaced, load.total]),
      [
        ['run-0', 5, 5, 0, 0, true, 5],
        ['run-1', 4, 1, 2, 1, false, 6],
      ],
    );
    assert.ok((loads[0]?.lagMs ?? 0) > 0);
    assert.is((await body<LoadsPage>('/tables/users/loads?limit=1')).loads.length, 1);
  });

  test("commits of the lake's log in pages, and the files of one", async () => {
    const first = await body<VersionsPage>('/tables/users/versions?limit=3');
    assert.equal(
      first.versions.map(({ version, rows, files, removed, by }) => [version, rows, files, removed, by?.runId, by?.mode]),
      [
        [3, 5, 1, 3, 'run-4', 'full'],
        [2, 1, 1, 0, 'run-3', 'incremental'],
        [1, 1, 1, 0, 'run-2', 'incremental'],
      ],
    );
    const second = await body<VersionsPage>(`/tables/users/versions?limit=3&before=${first.next}`);
    assert.equal([second.versions.map(({ version }) => version), second.next], [[0], undefined]);
    const one = await body<VersionPage>('/tables/users/versions/3');
    assert.equal(
      one.changes.map(({ change, rows, bytes }) => [change, rows, (bytes ?? 0) > 0]),
      [
        ['removed', undefined, true],
        ['removed', undefined, true],
        ['removed', undefined, true],
        ['added', 5, true],
      ],
    );
    assert.is((await stage.ask('/api/v1/tables/users/versions/99')).error?.code, 'lake.no-version');
    assert.is((await stage.ask('/api/v1/tables/user/versions')).error?.hint, 'Did you mean users?');
  });

  test('what cannot be looked up keeps nothing else from being told', async () => {
    const server = await stage.another({
      lake: async () => openFileLake(join(import.meta.dirname, 'stage.ts')),
      link: async (config, kind, name) => {
        const link = await stage.parts.link(config, kind, name);
        return kind === 'source' ? { ...link, look: async () => Promise.reject(noHost) } : link;
      },
    });
    const { source, lake: inLake, staging, columns: ways } = (await askAt<TableLive>(server.url, '/api/v1/tables/users/live')).body;
    assert.equal([source.found, source.trouble?.code, source.trouble?.hint], [undefined, 'postgres.refused', 'Start it.']);
    assert.match(inLake.trouble?.message ?? '', /stage\.ts/);
    assert.is(staging.found?.rows, 6);
    assert.ok(ways.length > 5 && ways.every(({ differences }) => !differences.includes('not taken from the source any more')));
  });

  test('a lake that hangs is told of as late, and keeps no table from its other places', async () => {
    const { clock } = stage.parts;
    let reads = 0;
    const never = (): Promise<never> => {
      reads += 1;
      return new Promise(() => undefined);
    };
    const lake = await stage.parts.lake(await stage.parts.config());
    const list = async function* (): AsyncGenerator<never> {
      yield await never();
    };
    const server = await stage.another({
      // The ten seconds that the lake has.
      clock: { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms <= 10_000 ? ms / 20 : ms, signal) },
      lake: async () => ({ ...lake, read: never, list }),
    });
    const ask = async (table: string): Promise<TableLive> => {
      const answer = await askAt<TableLive>(server.url, `/api/v1/tables/${table}/live`);
      assert.is(answer.status, 200, answer.text);
      return answer.body;
    };
    for (let round = 0; round < 2; round += 1) {
      const [users] = await Promise.all(['users', 'orders', 'lost'].map(ask));
      assert.equal([users?.lake.found, users?.lake.trouble?.code], [undefined, 'lake.late']);
      assert.match(users?.lake.trouble?.message ?? '', /^the lake at \/.* has not answered within 10 s$/);
      assert.equal([users?.source.found?.relation, users?.staging.found?.rows], ['public.users', 6]);
    }
    const read = reads;
    await ask('users');
    assert.is(reads, read, 'not looked at again while it hangs');
  });

  test('a page that is opened many times looks once', async () => {
    let looks = 0;
    const server = await stage.another({
      link: async (config, kind, name) => {
        const link = await stage.parts.link(config, kind, name);
        return {
          ...link,
          look: async (request) => {
            looks += 1;
            return (await link.look?.(request)) ?? [];
          },
        };
      },
    });
    await Promise.all(Array.from({ length: 10 }, () => askAt(server.url, '/api/v1/tables/users/live')));
    assert.is(looks, 2, 'one at the source, one at the sink');
  });

  test('rows of staging are exact since a load that replaced all, and what is there is looked at again after each load', async () => {
    const load = (runId: string, facts: Record<string, number | boolean>): Promise<void> =>
      stage.keepRun(runId, 'sync', [
        { type: 'node.started', node: 'load users', attempt: 1 },
        { type: 'node.succeeded', node: 'load users', result: { summary: '', rows: 31, facts: { into: 'staging.users', ...facts } } },
        { type: 'run.succeeded' },
      ]);
    const line = async (): Promise<TableLine['staging']> =>
      (await body<TablesPage>('/tables')).tables.find(({ table }) => table === 'users')?.staging;
    assert.equal([(await line())?.rows, (await line())?.exact], [30, false], 'the server estimates it');
    const before = (await live()).staging.at;
    await load('whole-1', { replaced: true, inserted: 31, updated: 0, unchanged: 0 });
    const whole = (await live()).staging;
    assert.equal([whole.found?.rows, whole.found?.exact], [31, true]);
    assert.ok(whole.at > before, 'within ten seconds, and anew');
    assert.equal([(await line())?.rows, (await line())?.exact], [31, true]);
    await load('merge-1', { replaced: false, inserted: 2, updated: 1, unchanged: 0 });
    assert.equal([(await live()).staging.found?.rows, (await live()).staging.found?.exact], [33, true]);
    assert.equal([(await line())?.rows, (await line())?.exact], [30, false], 'the server estimates it');
  });
});
