import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { ActionsPage } from '../../engine/api.ts';
import type { LoadPoint } from '../../engine/api-table.ts';
import { EngineError } from '../../engine/error.ts';
import { chartSeries, loadAfterKey, loadWords } from '../../ui/chart-series.ts';
import { foundTables } from '../../ui/tables-found.ts';
import { askAt, type Stage } from '../engine/serve/stage.ts';
import { createTableStage, secret } from '../engine/serve/table-stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();

suite('loads as charts', ({ test }) => {
  const load = (over: Partial<LoadPoint>): LoadPoint => ({
    runId: 'r',
    pipeline: 'p',
    node: 'load t',
    at: '2026-01-31T09:00:00.000Z',
    rows: 41_208,
    inserted: 10_000,
    updated: 30_980,
    unchanged: 228,
    replaced: false,
    total: 3_040_000,
    lagMs: 120_000,
    lakeVersion: 412,
    ...over,
  });

  test('bars stand in front of one another; what is not known is no bar', () => {
    const unknown = load({ rows: undefined, inserted: undefined, total: undefined, lagMs: undefined });
    assert.equal(chartSeries([load({}), unknown]), {
      at: [1_769_850_000, 1_769_850_000],
      all: [41_208, null],
      changed: [40_980, null],
      inserted: [10_000, null],
      most: 41_208,
      total: [3_040_000, null],
      lag: [120, null],
    });
  });

  test('a load that replaced all has nothing new, and does not make the others low', () => {
    const { changed, inserted, most } = chartSeries([load({ replaced: true, rows: 3_000_000, inserted: 3_000_000 }), load({ rows: 900 })]);
    assert.equal([changed, inserted, most], [[null, 40_980], [null, 10_000], 900]);
    assert.is(chartSeries([load({ replaced: true, rows: 7 })]).most, 7);
  });

  test('a load in words', () => {
    assert.is(loadWords(load({})), '41,208 rows: 10,000 new, 30,980 changed, 228 the same; 3,040,000 in staging then; 2 m old then');
    const whole = load({ replaced: true, rows: 1, inserted: 1, updated: 0, unchanged: 0, total: 1, lagMs: undefined });
    assert.is(loadWords(whole), '1 row: replacing all; 1 in staging then');
    assert.is(
      loadWords(
        load({ rows: undefined, inserted: undefined, updated: undefined, unchanged: undefined, total: undefined, lagMs: undefined }),
      ),
      'rows not counted',
    );
  });

  test('the arrow keys stay within the loads', () => {
    assert.equal(
      ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'x'].map((key) => loadAfterKey(key, 0, 30)),
      [0, 1, 0, 29, 0, undefined],
    );
    assert.is(loadAfterKey('ArrowLeft', 30, 30), 29);
  });

  test('tables are found by words of their names and of their pipelines', () => {
    const tables = [
      { table: 'users', pipelines: ['nightly'] },
      { table: 'user_events', pipelines: ['hourly'] },
    ];
    const names = (search: string): string[] => foundTables(tables, search).map(({ table }) => table);
    assert.equal(
      [names(''), names('USER night'), names('events'), names('.*')],
      [['users', 'user_events'], ['users'], ['user_events'], []],
    );
  });
});

suite('the pages of tables', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let close: () => Promise<void>;
  let browser: TestBrowser;
  const uiFolder = join(projectRoot, 'dist', 'ui');

  before(async () => {
    await ensureBuilt();
    ({ stage, close } = await createTableStage({ uiFolder }));
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await close?.();
  });
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };

  test('the list has what is known of each table, is searched by the address, and leads to one', async () => {
    const page = await browser.open(`${stage.server.url}/tables?search=nightly`);
    const users = page.getByRole('row', { name: /users/ });
    await users.getByText('~30', { exact: true }).waitFor();
    await users.getByRole('link', { name: 'v3' }).waitFor();
    assert.is(await page.getByRole('row', { name: /orders/ }).count(), 0);
    await page.getByRole('searchbox', { name: 'search tables and pipelines' }).fill('orders');
    await page.waitForURL(/search=orders/);
    await page.getByRole('row', { name: /orders/ }).waitFor();
    await page.getByRole('searchbox', { name: 'search tables and pipelines' }).fill('nothing like it');
    await page.getByRole('button', { name: 'show all 3' }).click();
    await page.getByRole('rowheader').getByRole('link', { name: 'users' }).click();
    await page.getByRole('heading', { level: 1, name: 'users' }).waitFor();
    await closed(page);
  });

  test('each place of a table with its rows, the way of its columns, and the models that are made of it', async () => {
    const page = await browser.open(`${stage.server.url}/tables/users`);
    const place = (name: string) => page.getByRole('list', { name: 'where its rows are' }).getByRole('listitem', { name });
    await place('source').getByText('public.users').waitFor();
    await place('lake').getByText('v3, 1 file').waitFor();
    await place('staging')
      .getByText(/^6 rows/)
      .waitFor();
    await place('analytics').getByText('analytics.people').waitFor();
    const columns = page.getByRole('region', { name: 'columns' });
    assert.match(await columns.getByRole('row', { name: /^mail/ }).innerText(), /redact\s+email\s+string\s+email\s+text/);
    await columns
      .getByRole('row', { name: /^amount/ })
      .getByText('was numeric(12,2) when it was extracted last')
      .waitFor();
    const people = page.getByRole('region', { name: 'analytics' }).getByRole('row', { name: /people/ });
    await people.getByText('1 with a warning').waitFor();
    await people.getByRole('link', { name: /success/ }).click();
    await page.waitForURL(/\/runs\/run-1/);
    await closed(page);
  });

  test('loads as charts: by the keyboard from load to load and to the run; the same as a table', async () => {
    const page = await browser.open(`${stage.server.url}/tables/users`);
    const region = page.getByRole('region', { name: 'rows over time' });
    await region.locator('canvas').nth(2).waitFor();
    await region.getByText('as a table').click();
    assert.match(await region.getByRole('row').nth(1).innerText(), /4\s+1\s+2\s+1\s+6/);
    await region.getByRole('application').focus();
    await page.keyboard.press('ArrowLeft');
    await region.getByText('4 rows: 1 new, 2 changed, 1 the same; 6 in staging then').waitFor();
    await page.keyboard.press('ArrowLeft');
    await region.getByText('5 rows: replacing all; 5 in staging then').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\/run-0\?node=load/);
    await page.goBack();
    const bars = region.locator('.u-over').first();
    const box = await bars.boundingBox();
    await bars.click({ position: { x: (box?.width ?? 0) - 8, y: 40 } });
    await page.waitForURL(/\/runs\/run-1\?node=load/);
    await closed(page);
  });

  test('a commit of the lake has an address that shows its files, and leads to the run that wrote it', async () => {
    const page = await browser.open(`${stage.server.url}/tables/users?version=3`);
    const version = page.getByRole('region', { name: 'version 3' });
    await version.getByText('removed').nth(2).waitFor();
    assert.is(await version.getByRole('row', { name: /added/ }).count(), 1);
    await page.getByRole('region', { name: 'lake' }).getByRole('link', { name: 'v1', exact: true }).click();
    await page.waitForURL(/version=1/);
    await page.getByRole('region', { name: 'version 1' }).getByRole('row', { name: /added/ }).waitFor();
    await page.getByRole('button', { name: 'close' }).click();
    assert.is(new URL(page.url()).search, '');
    await page.getByRole('region', { name: 'lake' }).getByRole('link', { name: 'run-2' }).click();
    await page.waitForURL(/\/runs\/run-2/);
    await page.context().close();
    // Runs of the lake that this store never had.
    browser.wrong.splice(0);
  });

  test('rows are shown when they are asked for, without what is masked or left out, and who looked is recorded', async () => {
    const before = (await askAt<ActionsPage>(stage.server.url, '/api/v1/actions?limit=1')).body.actions[0]?.id ?? 0;
    const page = await browser.open(`${stage.server.url}/tables/users`);
    const rows = page.getByRole('region', { name: 'latest rows' });
    await rows.getByText('Who looked is recorded.').waitFor();
    await rows.getByRole('button', { name: 'show the latest rows' }).click();
    await rows.getByText('the newest by updated_at').waitFor();
    assert.is(await rows.getByRole('row').count(), 21);
    const newest = rows.getByRole('row').nth(1);
    assert.match(await newest.innerText(), /^30\s.*2\.50\s+NULL/s);
    assert.is(await newest.getByRole('img', { name: 'masked' }).count(), 2);
    assert.is(await newest.getByRole('img', { name: 'excluded' }).count(), 1);
    assert.not.match(await page.content(), new RegExp(secret));
    const [action] = (await askAt<ActionsPage>(stage.server.url, '/api/v1/actions?limit=1')).body.actions;
    assert.ok((action?.id ?? 0) > before && action?.action === 'preview');
    await closed(page);
  });

  test('a place that cannot be looked at says why, and the others are shown', async () => {
    const away = new EngineError('outside', 'postgres.refused', 'nobody listens at db.example.com:5432', { hint: 'Start it.' });
    const server = await stage.another({
      link: async (config, kind, name) => {
        const link = await stage.parts.link(config, kind, name);
        return kind === 'source' ? { ...link, look: async () => Promise.reject(away) } : link;
      },
    });
    const page = await browser.open(`${server.url}/tables/users`);
    const place = (name: string) => page.getByRole('list', { name: 'where its rows are' }).getByRole('listitem', { name });
    await place('source').getByText('nobody listens at db.example.com:5432').waitFor();
    await place('source').getByText('Start it.').waitFor();
    await place('staging')
      .getByText(/^6 rows/)
      .waitFor();
    await closed(page);
  });

  test('of hundreds of tables only those near the screen are drawn, and all are reached', async () => {
    const names = Array.from({ length: 400 }, (_, i) => `t${String(i).padStart(3, '0')}`);
    const many = configOf(
      names.map((name) => tableOf(name)),
      [pipelineOf('all', names)],
    );
    const server = await stage.another({ config: async () => many });
    const page = await browser.open(`${server.url}/tables`);
    await page.getByRole('link', { name: 't000' }).waitFor();
    const drawn = await page.getByRole('rowheader').count();
    assert.ok(drawn < 120, `${drawn} rows are drawn`);
    await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
    await page.getByRole('link', { name: 't399' }).waitFor();
    assert.is(await page.getByRole('link', { name: 't000' }).count(), 0);
    await closed(page);
  });

  test('a table that is not there, and one that nothing is known of, say what to do', async () => {
    const page = await browser.open(`${stage.server.url}/tables/user`);
    await page.getByText('Did you mean users?').waitFor();
    browser.wrong.splice(0);
    await page.goto(`${stage.server.url}/tables/lost`);
    await page.getByText('It was never loaded').waitFor();
    await page.getByText('Nothing is in the lake yet').first().waitFor();
    await page.getByText('It was never taken').waitFor();
    await closed(page);
  });
});
