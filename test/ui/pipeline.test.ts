import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Event, EventBody } from '../../engine/event.ts';
import type { Plan, PlannedNode } from '../../engine/plan.ts';
import type { PlanWish } from '../../engine/serve/parts.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();
const error = { code: 'postgres.locked', trouble: 'outside', message: 'staging.orders is locked', hint: 'Wait.', retryable: true } as const;
const many = Array.from({ length: 100 }, (_, i) => `t${String(i).padStart(2, '0')}`);
const config = configOf(
  ['users', 'orders', ...many].map((name) => tableOf(name)),
  [
    pipelineOf('sync', ['users', 'orders'], { dbt: ['all'] }),
    pipelineOf('long', ['users']),
    pipelineOf('wide', many, { mode: 'full', dbt: ['all'] }),
    pipelineOf('fresh', ['users', 'orders']),
    pipelineOf('any', ['public.*']),
  ],
);
const yaml = `version: 1
sources: { production: { type: postgres, url: "postgresql://app:s3cr3t-word@db.example/shop" } }

tables:
  users: { key: id }
  orders: {}

pipelines:
${Array.from({ length: 60 }, (_, i) => `  other_${i}: { mode: full, tables: [users] }`).join('\n')}
  # the shop's own
  sync:
    mode: incremental
    tables: [users, orders]
`;
const began = (node: string): EventBody => ({ type: 'node.started', node, attempt: 1 });
const ended = (node: string, rows: number): EventBody => ({
  type: 'node.succeeded',
  node,
  result: { summary: `${rows} rows`, rows, facts: {} },
});
const nodesOf = (...tables: readonly string[]) => [
  ...tables.flatMap((t) => [
    { id: `extract ${t}`, type: 'postgres.extract', table: t, unit: `extract ${t}`, needs: [] },
    { id: `load ${t}`, type: 'postgres.load', table: t, unit: `load ${t}`, needs: [`extract ${t}`] },
  ]),
  { id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: tables.map((t) => `load ${t}`) },
];

suite('the page of a pipeline', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  const wishes: PlanWish[] = [];
  let newer = false;
  const planOf = (wish: PlanWish): Plan => ({
    format_version: 1,
    pipeline: wish.pipeline,
    mode: wish.fullRefresh === true ? 'full' : 'incremental',
    createdAt: '2026-01-31T09:00:00.000Z',
    fingerprint: 'f',
    nodes: (wish.tables ?? ['users', 'orders']).map(
      (table): PlannedNode => ({
        id: `extract ${table}`,
        type: 'postgres.extract',
        table,
        unit: `extract ${table}`,
        needs: [],
        options: {},
        plan: {
          action: 'read',
          summary: `reads ${table}`,
          details: [],
          warnings: [],
          moves: true,
          sql: [`SELECT * FROM public.${table}`],
          pins: {},
        },
      }),
    ),
    schedules: [],
    request: {},
  });

  before(async () => {
    await ensureBuilt();
    stage = await createStage({
      uiFolder: join(projectRoot, 'dist', 'ui'),
      config: async () => config,
      configText: () => ({ yaml, newer }),
      plan: async (wish) => {
        wishes.push(wish);
        return planOf(wish);
      },
    });
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };
  const graph = (page: Page) => page.getByRole('region', { name: 'graph' });
  const grid = (page: Page) => page.getByRole('region', { name: 'grid' });
  const focused = (page: Page): Promise<unknown> =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.querySelector("title")?.textContent');
  const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** Runs of a minute ago and before, oldest first, each with its whole story. */
  const keepRuns = async (pipeline: string, count: number, from = 0): Promise<void> => {
    const events = Array.from({ length: count }, (_, i): readonly Event[] => {
      const start = Date.now() - (count - i) * 60_000;
      const bodies: readonly EventBody[] = [
        {
          type: 'run.started',
          pipeline,
          mode: 'incremental',
          trigger: 'schedule',
          nodes: nodesOf('users').slice(0, 2),
          engine: '0.0.0',
          host: 'here',
          pid: process.pid,
          request: {},
        },
        began('extract users'),
        ended('extract users', i),
        { type: 'run.succeeded' },
      ];
      return bodies.map((body, k) => ({
        seq: k + 1,
        at: new Date(start + k * 1_000).toISOString(),
        runId: `${pipeline}-${String(from + i).padStart(3, '0')}`,
        ...body,
      }));
    });
    for (const run of events) await stage.store.append(run);
  };

  test('the graph follows a run at work: nodes at work, rows so far, one that fails, and what is skipped for it', async () => {
    await stage.keepRun('sync-1', 'sync', [began('extract users')], { nodes: nodesOf('users', 'orders') });
    const page = await browser.open(`${stage.server.url}/pipelines/sync`);
    await graph(page)
      .getByText(/^at work:/)
      .waitFor();
    await graph(page).getByRole('link', { name: 'extract users: running' }).waitFor();
    await graph(page).getByRole('link', { name: 'dbt: queued' }).waitFor();
    await stage.keepEvents('sync-1', 2, [
      { type: 'node.progress', node: 'extract users', progress: { rows: 4_711, bytes: 82_000, doing: 'copying' } },
    ]);
    await graph(page).getByRole('link', { name: 'extract users: running, 4,711 rows' }).waitFor();
    await stage.keepEvents('sync-1', 3, [
      ended('extract users', 41_208),
      began('load users'),
      began('extract orders'),
      { type: 'node.retrying', node: 'extract orders', attempt: 1, delayMs: 60_000, error },
    ]);
    await graph(page).getByRole('link', { name: 'extract orders: retrying' }).waitFor();
    await graph(page)
      .getByRole('link', { name: /^extract users: succeeded, .*41,208 rows$/ })
      .waitFor();
    await grid(page)
      .getByRole('row', { name: /extract orders/ })
      .getByRole('link', { name: 'extract orders: retrying' })
      .waitFor();
    await stage.keepEvents('sync-1', 7, [
      ended('load users', 9),
      { type: 'node.failed', node: 'extract orders', error },
      { type: 'node.skipped', node: 'load orders', because: 'extract orders' },
      { type: 'node.skipped', node: 'dbt', because: 'load orders' },
      { type: 'run.failed', error },
    ]);
    await graph(page)
      .getByText(/^as of run sync-1/)
      .waitFor();
    await page.locator('.head-state', { hasText: 'failed' }).waitFor();
    await graph(page).getByRole('link', { name: 'dbt: skipped' }).waitFor();
    await graph(page).getByRole('button', { name: 'as a table' }).click();
    assert.equal(
      (await graph(page).getByRole('table').getByRole('row').allInnerTexts()).map((row) =>
        row
          .split(/\s*\t\s*/)
          .slice(0, 3)
          .join(' ')
          .trim(),
      ),
      [
        'node table state',
        'extract users users succeeded',
        'load users users succeeded',
        'extract orders orders failed',
        'load orders orders skipped',
        'dbt skipped -',
      ],
    );
    await graph(page)
      .getByRole('link', { name: /^extract orders: failed/ })
      .click();
    await page.waitForURL(
      (url) => (url.pathname === '/runs/sync-1' && url.search === '?node=extract+orders') || url.search === '?node=extract%20orders',
    );
    await closed(page);
  });

  test('a cell of the grid leads to its lines in the log, its head to the run, and older runs are in the address', async () => {
    await keepRuns('long', 33);
    const page = await browser.open(`${stage.server.url}/pipelines/long`);
    const runs = grid(page).getByRole('columnheader').getByRole('link');
    await runs.first().waitFor();
    assert.is(await runs.count(), 30);
    assert.match((await runs.last().getAttribute('href')) ?? '', /long-032$/);
    assert.match((await runs.last().getAttribute('aria-label')) ?? '', /^run of .*: succeeded, 3\.0 s, by schedule$/);
    const cells = grid(page)
      .getByRole('row', { name: /extract users/ })
      .getByRole('link');
    assert.is(await cells.first().getAttribute('aria-label'), 'extract users: succeeded, 1.0 s, 3 rows');
    await grid(page).getByRole('button', { name: 'older runs' }).click();
    await grid(page)
      .getByText(/^3 runs up to/)
      .waitFor();
    assert.equal(await runs.evaluateAll((links) => links.map((link) => link.getAttribute('href'))), [
      '/runs/long-000',
      '/runs/long-001',
      '/runs/long-002',
    ]);
    await page.reload();
    await grid(page)
      .getByText(/^3 runs up to/)
      .waitFor();
    await cells.first().click();
    await page.waitForURL(/\/runs\/long-000\?node=/);
    await page.goBack();
    await grid(page).getByRole('button', { name: 'newest runs' }).click();
    await grid(page)
      .getByText(/^30 runs/)
      .waitFor();
    assert.is(
      await page
        .getByRole('term')
        .filter({ hasText: 'rows 24 h' })
        .locator('xpath=following-sibling::dd')
        .getByRole('link')
        .getAttribute('href'),
      '/runs?pipeline=long',
    );
    await closed(page);
  });

  test('by the keyboard alone: one stop each for graph and grid, arrows within, Enter opens', async () => {
    await keepRuns('fresh', 3);
    const page = await browser.open(`${stage.server.url}/pipelines/fresh`);
    const node = graph(page).getByRole('link', { name: /^extract users/ });
    await node.waitFor();
    assert.is(await graph(page).locator('svg a[tabindex="0"]').count(), 1);
    await node.focus();
    await press(page, 'ArrowRight', 'ArrowDown');
    assert.is(await focused(page), 'load orders: not in this run');
    await press(page, 'ArrowLeft', 'ArrowLeft');
    assert.is(await focused(page), 'table orders');
    await press(page, 'Tab');
    assert.is(await page.evaluate('document.activeElement.textContent'), 'as a table');
    await press(page, 'Tab');
    assert.match(String(await focused(page)), /^run of .*: succeeded/);
    await press(page, 'ArrowDown', 'ArrowLeft');
    assert.is(await focused(page), 'extract users: succeeded, 1.0 s, 1 row');
    assert.is(await grid(page).locator('table [tabindex="0"]').count(), 1);
    await press(page, 'ArrowDown', 'ArrowDown');
    assert.is(await focused(page), 'extract orders: not in this run');
    await press(page, 'ArrowUp', 'ArrowUp', 'Enter');
    await page.waitForURL(/\/runs\/fresh-001\?node=/);
    await closed(page);
  });

  test('of a hundred tables the graph has a line each, counts that lead to what failed, and a grid with few rows drawn', async () => {
    await stage.keepRun(
      'wide-1',
      'wide',
      [
        ...many.flatMap((t): EventBody[] =>
          t === 't57'
            ? [began(`extract ${t}`), { type: 'node.failed', node: `extract ${t}`, error }]
            : [began(`extract ${t}`), ended(`extract ${t}`, 5)],
        ),
        { type: 'run.failed', error },
      ],
      { nodes: nodesOf(...many), mode: 'full' },
    );
    const page = await browser.open(`${stage.server.url}/pipelines/wide`);
    const failed = graph(page).getByRole('link', { name: /^extract t57: failed/ });
    await failed.waitFor();
    await page.getByText('and 94 more, in the graph').waitFor();
    await graph(page).getByRole('button', { name: '1 failed: go to the first' }).click();
    assert.match(String(await focused(page)), /^extract t57: failed/);
    const [box, frame] = [await failed.boundingBox(), await graph(page).locator('.graph-dense').boundingBox()];
    assert.ok(box !== null && frame !== null && box.y >= frame.y && box.y + box.height <= frame.y + frame.height, 'it is scrolled to');
    const rows = grid(page).getByRole('row');
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows are drawn`);
    await grid(page).locator('table [tabindex="0"]').focus();
    for (let i = 0; i < 31; i += 1) await press(page, 'PageDown');
    assert.is(await focused(page), 'dbt: queued');
    await closed(page);
  });

  test('without a run it says what will be there; a pattern is answered by a run', async () => {
    const page = await browser.open(`${stage.server.url}/pipelines/any`);
    await graph(page).getByText('Its tables are not known yet').waitFor();
    await grid(page).getByText('It never ran').waitFor();
    await stage.keepRun('any-1', 'any', [began('extract users')]);
    await graph(page)
      .getByText(/its tables are those that public\.\* brought/)
      .waitFor();
    await graph(page).getByRole('link', { name: 'extract users: running' }).waitFor();
    await closed(page);
  });

  test('a plan is made when it is asked for, in full or of some tables, with its statements folded; so is a run', async () => {
    const page = await browser.open(`${stage.server.url}/pipelines/sync`);
    const part = page.getByRole('region', { name: 'plan', exact: true });
    wishes.length = 0;
    await part.getByRole('button', { name: 'make the plan' }).click();
    await part.getByText('reads orders').waitFor();
    assert.is(new URL(page.url()).search, '?plan=now');
    assert.equal(wishes, [{ pipeline: 'sync' }]);
    assert.is(await part.getByText('SELECT * FROM public.users').count(), 0);
    await part.getByRole('button', { name: '1 statement of extract users' }).click();
    await part.getByText('SELECT * FROM public.users').waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    assert.ok(Number(await page.evaluate(wider)) <= 0, 'a plan scrolls within a phone');
    await page.setViewportSize({ width: 1280, height: 900 });
    await part.getByLabel('orders', { exact: true }).uncheck();
    await part.getByText('reads orders').waitFor({ state: 'detached' });
    await part.getByLabel('full refresh').check();
    await part.getByText('reads users').waitFor();
    assert.equal(wishes.at(-1), { pipeline: 'sync', tables: ['users'], fullRefresh: true });
    assert.is(new URL(page.url()).search, '?plan=full&tables=users');
    const other = await browser.open(page.url());
    await other.getByRole('region', { name: 'plan', exact: true }).getByText('1 of 2 tables').waitFor();
    await other.getByRole('region', { name: 'plan', exact: true }).getByText('reads users').waitFor();
    assert.is(await other.getByLabel('full refresh').isChecked(), true);
    assert.is(await other.getByText('reads orders').count(), 0);
    await other.context().close();
    assert.ok(await part.getByLabel('users', { exact: true }).isDisabled(), 'a run of no table is none');
    await part.getByRole('button', { name: 'close the plan' }).click();
    assert.is(new URL(page.url()).search, '');

    await page.getByRole('button', { name: 'run sync now' }).click();
    const panel = page.getByRole('region', { name: 'run sync now' });
    await panel.getByLabel('users', { exact: true }).uncheck();
    await panel.getByText('reads users').waitFor({ state: 'detached' });
    await panel.getByRole('button', { name: 'run it' }).click();
    await panel.getByText('Asked for: the run is opened as it begins.').waitFor();
    const [entry] = await stage.queue.entries({ pipeline: 'sync', limit: 1 });
    assert.equal(entry?.request.tables, ['orders'], JSON.stringify(await stage.queue.entries({ pipeline: 'sync', limit: 9 })));
    await closed(page);
  });

  test('the lines that declare it are those of the file at their numbers, without secrets; a line has an address', async () => {
    const file = yaml.split('\n');
    const line = file.indexOf('    mode: incremental') + 1;
    const page = await browser.open(`${stage.server.url}/pipelines/sync#L${line}`);
    const part = page.getByRole('region', { name: 'declared' });
    await part.locator('.declared-chosen').waitFor();
    const lines = (await part
      .locator('.declared-line')
      .evaluateAll((found) => found.map((each) => [each.querySelector('a')?.textContent, each.querySelector('code')?.textContent]))) as [
      string,
      string,
    ][];
    assert.equal(
      lines.map(([number]) => Number(number)),
      [2, 4, 5, 6, 8, 69, 70, 71, 72],
    );
    for (const [number, text] of lines) assert.is(text, file[Number(number) - 1]?.replace('s3cr3t-word', '***'));
    assert.is(await part.locator('.declared-chosen a').innerText(), String(line));
    await part.getByRole('link', { name: 'table orders' }).click();
    assert.is(new URL(page.url()).hash, '#L6');
    assert.is(await part.locator('.declared-chosen code').innerText(), '  orders: {}');
    assert.is(await part.getByText('is not in force').count(), 0);
    newer = true;
    await page.reload();
    await part.getByText('is not in force').waitFor();
    assert.is(await part.getByRole('link', { name: 'Settings' }).getAttribute('href'), '/settings');
    newer = false;
    await closed(page);
  });
});
