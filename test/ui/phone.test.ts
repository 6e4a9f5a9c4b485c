import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';
import { createFullStage } from './every-page.ts';

const chromium = chromiumPath();
const long = `held back by ${'a very long name of a program '.repeat(12)}since 01:44`;

suite('the page on a phone', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    stage = await createFullStage();
    await stage.keepRun('long-1', 'sync', [
      { type: 'node.started', node: 'extract users', attempt: 1 },
      { type: 'log', level: 'warn', node: 'extract users', text: long },
    ]);
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const open = async (path: string, whole: string, width: number): Promise<Page> => {
    const page = await browser.open(`${stage.server.url}${path}`, { viewport: { width, height: 844 } });
    await page.locator(whole).first().waitFor();
    return page;
  };
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };
  /** What each cell of a row says, by the name of its column, if all of it is on the screen. */
  const seen = async (page: Page, row: string): Promise<Readonly<Record<string, string>>> => {
    const cells = (await page.evaluate(`[...document.querySelector(${JSON.stringify(row)}).cells].map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      const { left, right } = range.getBoundingClientRect();
      const { width } = cell.getBoundingClientRect();
      const name = cell.closest('table').tHead.rows[0].cells[cell.cellIndex].textContent;
      return { name, text: cell.innerText, isSeen: width > 1 && right > left && left >= 0 && right <= innerWidth };
    })`)) as readonly { readonly name: string; readonly text: string; readonly isSeen: boolean }[];
    return Object.fromEntries(cells.filter(({ isSeen }) => isSeen).map(({ name, text }) => [name, text.trim()]));
  };

  for (const width of [390, 360]) {
    test(`overview at ${width} px: a pipeline says its state, next and last run; a table how far behind it is, and no row is empty height`, async () => {
      const page = await open('/', '.bars a', width);
      const pipeline = await seen(page, 'table:has(.bars) tbody tr');
      assert.is(pipeline.pipeline?.startsWith('sync'), true);
      assert.match(pipeline.next ?? '', /^\d\d:\d\d, in /);
      assert.match(pipeline['last run'] ?? '', /^(failed|running) .*( ago|now)$/);
      assert.match(pipeline.schedule ?? '', /every 15 minutes/);
      const table = await seen(page, '.freshness tbody tr');
      assert.is(table.table, 'users');
      assert.match(table.staging ?? '', /^\d+ /);
      assert.match(table['held back by'] ?? '', /pid 4411/);
      for (const row of await page.locator('.freshness tbody tr').all()) assert.ok(((await row.boundingBox())?.height ?? 999) < 130);
      await closed(page);
    });

    test(`runs at ${width} px: state, pipeline, start, duration and id`, async () => {
      const page = await open('/runs', 'table.rows td a', width);
      const run = await seen(page, 'table.rows tbody tr:has(a[href="/runs/full-2"])');
      assert.is(run.state, 'failed');
      assert.is(run.pipeline, 'sync');
      assert.is(run.run, 'full-2');
      assert.match(run.started ?? '', / ago$/);
      assert.match(run.took ?? '', / m?s$/);
      await closed(page);
    });

    test(`run at ${width} px: a node says what it did, and no line of the log is cut`, async () => {
      const page = await open('/runs/full-2', '.log-line', width);
      assert.is((await seen(page, '.nodes tbody tr'))['what it did'], 'failed: staging.users is locked by pid 812');
      await page.goto(`${stage.server.url}/runs/long-1`);
      const said = page.locator('.log-line.level-warn .log-text');
      await page.locator('.log-line.level-warn .log-text:not(:empty)').first().waitFor();
      assert.is((await said.allTextContents()).join(''), long);
      const room = "document.querySelector('.log-lines').scrollWidth - document.querySelector('.log-lines').clientWidth";
      await waitUntil(async () => (await page.evaluate(room)) === 0, 'no line is wider than the log');
      await closed(page);
    });

    test(`table at ${width} px: what became of it, and what dbt made of it`, async () => {
      const page = await open('/tables/users', 'table tr:not(:has(td:empty)) td.did', width);
      const node = await seen(page, 'table.rows:has(td.did) tbody tr:not(:has(td:empty))');
      assert.is(node.node, 'extract users');
      assert.is(node.state, 'succeeded');
      assert.is(node.did, '9 rows');
      assert.is(node.pipeline, 'sync');
      await closed(page);
    });
  }

  test('a row that is shown as lines is still a row of a table for those who hear it', async () => {
    const page = await open('/runs', 'table.rows td a', 390);
    const row = page.getByRole('table').getByRole('row', { name: /full-2/ });
    assert.is(await row.getByRole('cell').count(), 7);
    assert.is(await page.getByRole('columnheader', { name: 'took' }).count(), 1);
    await page.setViewportSize({ width: 1280, height: 900 });
    assert.is(await page.evaluate("getComputedStyle(document.querySelector('[data-label=took]'), '::before').content"), 'none');
    await closed(page);
  });

  test('tables are all of the height that the list counts with', async () => {
    const page = await open('/tables', 'table.rows th a', 390);
    const heights = (await page.evaluate(
      "[...document.querySelectorAll('.table-list tbody tr')].map((row) => row.getBoundingClientRect().height)",
    )) as number[];
    assert.equal(heights, [136, 136]);
    await closed(page);
  });

  test('on a desk a long line of the log goes on below itself', async () => {
    const page = await open('/runs/long-1', '.log-line.level-warn', 1280);
    const said = page.locator('.log-line.level-warn .log-text');
    await waitUntil(async () => (await said.count()) > 1, 'the line is wrapped');
    assert.is((await said.allTextContents()).join(''), long);
    const lefts = (await page.evaluate(
      "[...document.querySelectorAll('.log-line.level-warn .log-text')].map((part) => part.getBoundingClientRect().left)",
    )) as number[];
    assert.is(new Set(lefts).size, 1);
    await closed(page);
  });
});
