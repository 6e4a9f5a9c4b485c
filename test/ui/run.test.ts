import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { EventBody } from '../../engine/event.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { runEvents, runNodes } from './run-events.ts';

const chromium = chromiumPath();
suite('the page of a run', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;

  before(async () => {
    await ensureBuilt();
    stage = await createStage({ uiFolder: join(projectRoot, 'dist', 'ui') });
    browser = await startBrowser(chromium);
    await stage.keepRun('run-0', 'sync', [{ type: 'run.succeeded' }]);
    // Attempts are told apart by their times, so each event has its own.
    await stage.keepRun('run-1', 'sync', [], { nodes: runNodes });
    for (const [index, body] of runEvents.entries()) {
      await stage.keepEvents('run-1', 1 + index, [body]);
      const { clock } = stage.parts;
      const now = clock.now();
      while (clock.now() === now) await clock.sleep(1);
    }
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };
  const downloaded = async (page: Page): Promise<string> => {
    const href = await page.getByRole('link', { name: 'download these' }).getAttribute('href');
    return (await stage.ask(href ?? '')).text;
  };
  const open = (page: Page, node: string): Promise<void> =>
    page
      .getByRole('region', { name: 'nodes' })
      .getByRole('button', { name: new RegExp(`${node}$`) })
      .click();

  test('an open node says what it read, who held the fence back, and leads to what it left in the lake', async () => {
    const page = await browser.open(`${stage.server.url}/runs/run-1`);
    await open(page, 'extract users');
    const facts = page.locator('.node-facts').first();
    await facts.getByText('what has').waitFor();
    const text = await facts.innerText();
    assert.match(
      text,
      /public\.users, what has updated_at from (31 Jan )?(2026 )?02:05:01\.204118 \(the last fence .*02:05:11\.204118 less 10 s\) upwards/,
    );
    assert.match(text, /held back by pid 4411 \(pg_dump\), since .*01:44:00/);
    assert.match(text, /f\/part-0\.parquet/);
    assert.is(await facts.getByRole('link', { name: 'lake v7' }).getAttribute('href'), '/tables/users?version=7');
    await open(page, 'load users');
    await page.getByText('2 inserted, 6 updated, 1 unchanged').waitFor();
    assert.is(await page.getByRole('link', { name: 'staging.users' }).first().getAttribute('href'), '/tables/users');
    await closed(page);
  });

  test('models and tests open to their message, parents and SQL, which is asked for only then', async () => {
    const page = await browser.open(`${stage.server.url}/runs/run-1`);
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
    const tests = page.getByRole('table', { name: /^tests/ });
    // The node failed, so it is open by itself.
    await tests.getByRole('row', { name: /unique_users_id fail 20 ms 3 Got 3 results/ }).waitFor();
    assert.is(
      asked.some((path) => path.endsWith('/dbt')),
      false,
    );
    await tests.getByRole('button', { name: 'unique_users_id' }).click();
    await tests.getByText('having count(*) > 1').waitFor();
    await tests.getByText('model.shop.users (success)').waitFor();
    await page
      .getByRole('table', { name: /^models/ })
      .getByRole('button', { name: 'users' })
      .click();
    const sql = page.getByRole('region', { name: 'SQL of users' });
    await sql.waitFor();
    assert.is(await sql.innerText(), 'select * from "staging"."users"');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'copy SQL of users' }).click();
    await page.getByText('copied').waitFor();
    assert.is(await page.evaluate('navigator.clipboard.readText()'), 'select * from "staging"."users"');
    await closed(page);
  });

  test('the plan stands beside what was done, with its statements; its address can be passed on', async () => {
    const page = await browser.open(`${stage.server.url}/runs/run-1`);
    await page.getByRole('button', { name: 'plan', exact: true }).click();
    const section = page.getByRole('region', { name: 'planned and done' });
    const row = section.getByRole('row', { name: /^load users/ });
    await row.waitFor();
    assert.match(
      (await row.innerText()).replaceAll(/\s+/g, ' '),
      /load users ~ staging\.users: merges by key .*warning: no index .*~12 9 - 1\.3 kB .* 9 in/,
    );
    await row.getByRole('button', { name: '2 statements of load users' }).click();
    assert.is(await section.getByRole('region', { name: 'statement 2 of load users' }).innerText(), 'MERGE it');
    const again = await browser.open(page.url());
    await again.getByRole('region', { name: 'planned and done' }).getByRole('row', { name: /^dbt/ }).waitFor();
    await again.getByRole('button', { name: 'close the plan' }).click();
    await again.getByRole('region', { name: 'planned and done' }).waitFor({ state: 'detached' });
    await closed(again);
    await closed(page);
  });

  test('a run whose plan was not kept says so', async () => {
    const page = await browser.open(`${stage.server.url}/runs/run-0?show=plan`);
    await page.getByText('no plan was kept of run run-0').waitFor();
    await page.context().close();
    assert.equal(
      browser.wrong.splice(0).filter((line) => !/404/.test(line)),
      [],
    );
  });

  test('the log goes by attempt, level and line; the download has what is shown', async () => {
    const page = await browser.open(`${stage.server.url}/runs/run-1`);
    const log = page.getByRole('log');
    await log.getByText('the first try').waitFor();
    await page.locator('.node-bar').first().click();
    await log.getByText('the second try').waitFor({ state: 'detached' });
    assert.match(page.url(), /node=extract\+users&attempt=1$/);
    await log.getByText('the first try').waitFor();
    assert.not.match(await downloaded(page), /the second try/);
    await page.getByRole('combobox', { name: 'attempt' }).selectOption('2');
    await log.getByText('the second try').waitFor();
    await log.getByText('the first try').waitFor({ state: 'detached' });
    const second = await downloaded(page);
    assert.ok(/the second try/.test(second) && !/the first try/.test(second), second);
    const shown = await log.getByRole('link', { name: /^\d\d:/ }).count();
    assert.is(second.split('\n').filter((line) => /^\d{4}-/.test(line)).length, shown, 'the download has what is shown');
    await page.getByText(new RegExp(`^${shown} of \\d+ messages$`)).waitFor();
    await page.getByRole('combobox', { name: 'level' }).selectOption('error');
    await log.getByText('No message matches.').waitFor();
    await page.getByRole('combobox', { name: 'node' }).selectOption('dbt');
    await log.getByText('1 failed in dbt').first().waitFor();
    const text = await downloaded(page);
    assert.ok(/x dbt: 1 failed in dbt/.test(text) && !/try/.test(text), text);
    await closed(page);
  });

  test('a link to a line shows that line, among a thousand', async () => {
    const many: EventBody[] = Array.from({ length: 1_000 }, (_, i) => ({ type: 'log', level: 'info', text: `line ${i}` }));
    await stage.keepRun('long-1', 'sync', [...many, { type: 'run.succeeded' }]);
    const page = await browser.open(`${stage.server.url}/runs/long-1?line=702`);
    const line = page.locator('.log-line[aria-current]');
    await line.waitFor();
    assert.match(await line.innerText(), /line 700$/);
    assert.ok(
      await line.evaluate((element) => {
        const [own, box] = [element.getBoundingClientRect(), element.closest('.log-lines')?.getBoundingClientRect()];
        return box !== undefined && own.top >= box.top && own.bottom <= box.bottom;
      }),
    );
    await page
      .getByRole('log')
      .getByRole('link', { name: /^\d\d:/ })
      .first()
      .click();
    await page.waitForURL(/line=\d+$/);
    await closed(page);
  });

  test('a node that waits for a lock says for whom, one at work how fast it is', async () => {
    await stage.keepRun('live-2', 'sync', [{ type: 'node.started', node: 'extract users', attempt: 1 }]);
    const page = await browser.open(`${stage.server.url}/runs/live-2`);
    const row = page.getByRole('row', { name: /extract users/ });
    await row.getByText('at work').waitFor();
    await stage.keepEvents('live-2', 2, [
      { type: 'node.progress', node: 'extract users', progress: { rows: 50_000, rowsOf: 100_000, doing: 'copying' } },
    ]);
    await row.getByText(/50,000 of ~100,000 rows, copying, [\d,]+ rows\/s, ~.* left/).waitFor();
    await stage.keepEvents('live-2', 3, [
      { type: 'node.progress', node: 'extract users', progress: { doing: 'waiting: staging.users is in use: pid 812, user bi_app' } },
    ]);
    await row.getByText('held up: waiting: staging.users is in use: pid 812, user bi_app').waitFor();
    await stage.keepEvents('live-2', 4, [{ type: 'run.cancelled', reason: 'over' }]);
    await page.locator('.head-state', { hasText: 'cancelled' }).waitFor();
    await closed(page);
  });
});
