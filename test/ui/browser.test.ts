import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { systemClock } from '../../engine/base/clock.ts';
import type { EventBody } from '../../engine/event.ts';
import type { Problem } from '../../engine/problem.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

const chromium = chromiumPath();
const error = { code: 'postgres.locked', trouble: 'outside', message: 'staging.users is locked', hint: 'Wait.', retryable: true } as const;
const markup = '<img src=x onerror=alert(1)><b>bold</b>';
const succeeded: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'node.succeeded', node: 'extract users', result: { summary: '9 rows', rows: 9, bytes: 1_200, facts: { version: 0 } } },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'node.succeeded', node: 'load users', result: { summary: '9 new', rows: 9, facts: { lakeVersion: 0 } } },
  { type: 'run.succeeded' },
];

suite('the page in a browser', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  let problems: readonly Problem[] = [];

  before(async () => {
    await ensureBuilt();
    stage = await createStage({ uiFolder: join(projectRoot, 'dist', 'ui'), problems: async () => problems });
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  /** What went wrong in the browser since it was asked for last. */
  const wrong = (): readonly string[] => browser.wrong.splice(0);
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(wrong(), []);
  };

  test('markup in names, logs and errors is shown as the text that it is', async () => {
    const named = { table: markup, unit: 'u', needs: [] };
    await stage.keepRun(
      'markup-1',
      markup,
      [
        { type: 'node.started', node: markup, attempt: 1 },
        { type: 'log', level: 'info', node: markup, text: `logged ${markup}` },
        {
          type: 'dbt.result',
          node: markup,
          result: { uniqueId: markup, kind: 'test', name: markup, status: 'fail', durationMs: 1, message: markup },
        },
        { type: 'node.failed', node: markup, error: { ...error, message: markup, hint: markup } },
        { type: 'run.failed', error: { ...error, message: markup, hint: markup } },
      ],
      { nodes: [{ id: markup, type: 'dbt.build', ...named }] },
    );
    problems = [
      {
        key: 'failed:x',
        kind: 'failed',
        severity: 'error',
        pipeline: markup,
        runId: 'markup-1',
        since: new Date().toISOString(),
        text: markup,
        hint: markup,
      },
    ];
    const page = await browser.open(`${stage.server.url}/`);
    await page.getByRole('region', { name: 'needs attention' }).getByText(markup, { exact: true }).first().waitFor();
    const elements = async (): Promise<number> => page.locator('main img, main b').count();
    assert.is(await elements(), 0);
    await page.getByRole('link', { name: 'log of run markup-1' }).click();
    await page.getByRole('log').getByText(`logged ${markup}`).waitFor();
    assert.is(await elements(), 0);
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('link', { name: markup }).click();
    await page.getByText(`There is no pipeline ${markup}`).waitFor();
    assert.is(await elements(), 0);
    problems = [];
    await page.context().close();
    // The run's pipeline is declared nowhere, so the last question has no answer.
    assert.equal(
      wrong().filter((line) => !/404/.test(line)),
      [],
    );
  });

  test('a run is followed as it goes: attempts apart, the wait between them, how far it is, and its log', async () => {
    await stage.keepRun('live-1', 'sync', [{ type: 'node.started', node: 'extract users', attempt: 1 }]);
    const page = await browser.open(`${stage.server.url}/runs/live-1`);
    await page.locator('.head-state', { hasText: 'running' }).waitFor();
    await stage.keepEvents('live-1', 2, [
      { type: 'node.retrying', node: 'extract users', attempt: 1, delayMs: 60_000, error },
      { type: 'log', level: 'warn', node: 'extract users', text: 'first line\nsecond line' },
    ]);
    const row = page.getByRole('row', { name: /extract users/ });
    await row.getByText(/retrying.*staging\.users is locked/).waitFor();
    await page.getByRole('log').getByText('second line').waitFor();
    await stage.keepEvents('live-1', 4, [
      { type: 'node.started', node: 'extract users', attempt: 2 },
      { type: 'node.progress', node: 'extract users', progress: { rows: 4_711, bytes: 82_000, doing: 'copying' } },
    ]);
    await row.getByText('4,711 rows, 82.0 kB, copying').waitFor();
    const bars = await row.getByRole('img', { name: /attempt/ }).getAttribute('aria-label');
    assert.match(bars ?? '', /^extract users: attempt 1 failed, [\d.]+ m?s; attempt 2 running, [\d.]+ m?s$/);
    await page.getByRole('button', { name: 'cancel run live-1' }).click();
    await page.getByText('extract users: nothing of it comes into the lake').waitFor();
    assert.is(await stage.store.cancelRequestedBy('live-1'), undefined);
    await page.getByRole('button', { name: 'cancel the run' }).click();
    await page.getByText('The run was asked to stop: it sees that within a second').waitFor();
    assert.is(await stage.store.cancelRequestedBy('live-1'), 'local');
    await stage.keepEvents('live-1', 6, [
      {
        type: 'node.succeeded',
        node: 'extract users',
        result: { summary: 'all there', rows: 4_711, facts: { fence: '2026-01-31T02:20:00.801992Z' } },
      },
      { type: 'run.cancelled', reason: 'asked for by anna' },
    ]);
    await page.getByText('asked for by anna').first().waitFor();
    await page.locator('.head-state', { hasText: 'cancelled' }).waitFor();
    await row.getByRole('button', { name: 'extract users' }).click();
    await page.getByText('attempt 1,').waitFor();
    await page.getByText(/02:20:00\.801992/).waitFor();
    await closed(page);
  });

  test('the overview changes by itself, and what is known stays on the screen while the daemon is away', async () => {
    const server = await stage.another({});
    const page = await browser.open(`${server.url}/`);
    const row = page.getByRole('row', { name: /nightly/ });
    await row.getByRole('cell', { name: 'never ran' }).waitFor();
    await stage.keepRun('nightly-1', 'nightly', succeeded);
    await row.getByRole('link', { name: /^succeeded/ }).waitFor();

    await server.close();
    await page.getByText('Connection lost').waitFor();
    await row.getByRole('link', { name: /^succeeded/ }).waitFor();
    await stage.keepRun('nightly-2', 'nightly', [
      { type: 'node.started', node: 'extract users', attempt: 1 },
      { type: 'node.failed', node: 'extract users', error },
      { type: 'run.failed', error },
    ]);
    const again = await stage.another({ engine: '0.0.1', listen: { host: '127.0.0.1', port: Number(new URL(server.url).port) } });
    await row.getByRole('link', { name: /^failed/ }).waitFor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await page.getByText('The daemon is engine 0.0.1 now, and this page is of 0.0.0.').waitFor();
    await page.getByRole('button', { name: 'load it again' }).click();
    await page.getByText('The daemon is engine').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: /^failed/ }).waitFor();
    await page.context().close();
    await again.close();
    // What the browser itself says about a server that is away.
    assert.equal(
      wrong().filter(
        (line) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(line),
      ),
      [],
    );
  });

  test('the next times are those of the reader, beside those of the schedule, with the day on which clocks are set marked', async () => {
    const schedules = [{ cron: '30 2 * * *', timezone: 'Europe/Berlin', dst: { gap: 'after', fold: 'once' } }] as const;
    const inMarch = await stage.another({
      clock: { ...systemClock, now: () => Date.parse('2026-03-27T11:59:01Z') },
      config: async () => configOf([tableOf('users')], [pipelineOf('nightly', ['users'], { schedules })]),
    });
    const page = await browser.open(`${inMarch.url}/pipelines/nightly`, { timezoneId: 'America/New_York' });
    const rows = page.getByRole('region', { name: 'next' }).getByRole('row');
    await rows.getByText('21:30, in 13 h 30 m', { exact: true }).waitFor();
    const shown = (await rows.allInnerTexts()).map((text) => text.trim().split(/\s*\t\s*/));
    assert.equal(shown.slice(1, 4), [
      ['21:30, in 13 h 30 m', '2026-03-28 02:30 there'],
      ['28 Mar 21:00, in 1 d 13 h', '2026-03-29 03:00 there', 'clocks are set that day'],
      ['29 Mar 20:30, in 2 d 12 h', '2026-03-30 02:30 there'],
    ]);
    await closed(page);
  });

  test('what waits in the queue says why, and can be taken off it', async () => {
    const { id } = await stage.queue.add({ pipeline: 'sync', kind: 'trigger', request: {}, askedBy: 'anna' });
    await stage.queue.explain(id, 'run unknown is at work on users');
    const page = await browser.open(`${stage.server.url}/`);
    const queue = page.getByRole('region', { name: 'queue', exact: true });
    await queue.getByText(/asked for by anna/).waitFor();
    await queue.getByText(/run unknown is at work on users/).waitFor();
    await queue.getByRole('button', { name: 'take sync off the queue' }).click();
    assert.is((await stage.queue.entry(id))?.state, 'queued');
    await queue.getByRole('button', { name: 'take it off' }).click();
    await queue.waitFor({ state: 'detached' });
    assert.is((await stage.queue.entry(id))?.state, 'cancelled');
    await page.getByRole('rowheader').getByRole('link', { name: 'sync' }).click();
    await page.getByText('taken off the queue by local').waitFor();
    await closed(page);
  });

  test('a page that nobody looks at holds no connection, and is up to date when somebody looks again', async () => {
    const page = await browser.open(`${stage.server.url}/`);
    const row = page.getByRole('row', { name: /sync/ });
    await row.getByText('every 15 minutes').waitFor();
    const isStream = (request: { url(): string }): boolean => request.url().endsWith('/api/v1/stream');
    const look = (hidden: boolean): Promise<void> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    const closing = page.waitForEvent('requestfailed', isStream);
    await look(true);
    await closing;
    await stage.keepRun('unseen-1', 'sync', succeeded);
    const opening = page.waitForRequest(isStream);
    await look(false);
    await opening;
    await row
      .getByRole('link', { name: /^run: succeeded/ })
      .first()
      .waitFor();
    await closed(page);
  });

  test('whoever needs a token is asked for it, let in with it, and out again', async () => {
    const guarded = await stage.another({ requireToken: true });
    const token = await stage.makeToken('anna');
    const page = await browser.open(`${guarded.url}/runs/nightly-1`);
    await page.getByRole('heading', { name: 'This daemon asks for a token' }).waitFor();
    assert.equal(wrong(), []);
    await page.getByLabel('token', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'log in' }).click();
    await page.getByRole('alert').getByText('this token is not known').waitFor();
    wrong();
    await page.getByLabel('token', { exact: true }).fill(token);
    await page.getByRole('button', { name: 'log in' }).click();
    await page.locator('.head-state', { hasText: 'succeeded' }).waitFor();
    await page.getByRole('button', { name: 'log out anna' }).click();
    await page.getByRole('heading', { name: 'This daemon asks for a token' }).waitFor();
    await closed(page);
  });

  test('a log of 100,000 lines is read whole, scrolled, searched and filtered, with few lines drawn', async () => {
    await stage.keepRun('long-1', 'sync');
    const line = (n: number): EventBody => ({
      type: 'log',
      level: 'info',
      node: n % 2 === 0 ? 'load users' : 'extract users',
      text: `line ${n}.`,
    });
    for (let from = 0; from < 100_000; from += 5_000)
      await stage.keepEvents(
        'long-1',
        1 + from,
        Array.from({ length: 5_000 }, (_, n) => line(from + n)),
      );
    await stage.keepEvents('long-1', 100_001, [{ type: 'run.succeeded' }]);
    const page = await browser.open(`${stage.server.url}/runs/long-1`);
    await page.getByText('100,002 messages', { exact: true }).waitFor();
    const log = page.getByRole('log');
    const drawn = async (): Promise<number> => page.locator('.log-line').count();
    assert.ok((await drawn()) < 120, String(await drawn()));
    await page.evaluate("document.querySelector('.log-lines').scrollTo(0, 1_000_000)");
    await log.getByText('line 50000.').waitFor();
    assert.ok((await drawn()) < 120, String(await drawn()));
    await page.getByLabel('follow').check();
    await log.getByText('line 99999.').waitFor();
    await page.getByLabel('search the log').fill('LINE 4711');
    await page.getByText('11 of 100,002 messages').waitFor();
    await page.getByLabel('node', { exact: true }).selectOption('load users');
    await page.getByText('5 of 100,002 messages').waitFor();
    assert.match(page.url(), /\?(?=.*node=load\+users)(?=.*search=LINE\+4711)/);
    await page.reload();
    await page.getByText('5 of 100,002 messages').waitFor();
    await closed(page);
  });

  test('everything is reached by the keyboard, a theme that was chosen is kept, and nothing moves for whoever wants that', async () => {
    const page = await browser.open(`${stage.server.url}/`, { reducedMotion: 'reduce', colorScheme: 'light' });
    await page.getByRole('link', { name: /^run: failed/ }).waitFor();
    const focused = (): Promise<string> =>
      page.evaluate("document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''");
    const until = async (name: RegExp): Promise<void> => {
      for (let n = 0; n < 60; n += 1) {
        await page.keyboard.press('Tab');
        if (name.test(await focused())) return;
      }
      throw new Error(`the keyboard does not reach ${name}`);
    };
    await until(/^Skip to the content/);
    await until(/^Theme: system/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.is(await page.evaluate('getComputedStyle(document.documentElement).colorScheme'), 'dark');
    await until(/^run: failed/);
    await page.keyboard.press('ArrowLeft');
    assert.match(await focused(), /^run: succeeded/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/nightly-1$/);
    await page.reload();
    await page.locator('.head-state', { hasText: 'succeeded' }).waitFor();
    assert.is(await page.evaluate('getComputedStyle(document.documentElement).colorScheme'), 'dark');
    assert.is(await page.evaluate('document.getAnimations().length'), 0);
    await closed(page);
  });

  test('a page that cannot be drawn says so, and the rest goes on', async () => {
    const page = await browser.open(`${stage.server.url}/`);
    await page.route('**/api/v1/runs/broken', (route) => route.fulfill({ json: { run: { runId: 'broken' }, seq: 1 } }));
    await page.goto(`${stage.server.url}/runs/broken`);
    await page.getByText('This page has a defect').waitFor();
    assert.ok(wrong().some((line) => line.startsWith('thrown: ')));
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('row', { name: /nightly/ }).waitFor();
    await closed(page);
  });

  test('no page is wider than a phone', async () => {
    const page = await browser.open(`${stage.server.url}/`, { viewport: { width: 360, height: 740 } });
    for (const [path, shown] of [
      ['/', 'freshness'],
      ['/runs', 'nightly-2'],
      ['/runs/nightly-2', 'staging.users is locked'],
      ['/pipelines/sync', 'when it fires'],
    ] as const) {
      await page.goto(`${stage.server.url}${path}`);
      await page.getByText(shown).first().waitFor();
      await waitUntil(
        async () => (await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')) === true,
        `${path} fits into ${await page.evaluate('window.innerWidth')} px, not ${await page.evaluate('document.documentElement.scrollWidth')}`,
        2_000,
      );
    }
    await closed(page);
  });
});
