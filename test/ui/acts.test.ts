import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

const chromium = chromiumPath();

suite('an action, after it was chosen', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    stage = await createStage({ uiFolder: join(projectRoot, 'dist', 'ui') });
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
  const post = async (path: string): Promise<void> => {
    const { status, text } = await stage.ask(`/api/v1/${path}`, { method: 'POST' });
    assert.ok(status < 300, text);
  };
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const panel = (page: Page) => page.locator('.act-panel');
  /** What has the focus: a part of the page by its name, or a button by its word. */
  const focused = (page: Page): Promise<string> =>
    page.evaluate(`(() => {
      const e = document.activeElement;
      return e === document.body ? 'body' : e.id === 'main' ? 'main' : e.matches('.act-panel') ? 'panel' : e.textContent;
    })()`);

  test('that takes itself away says what it did until it is closed, keeps the focus, and does not open again by itself', async () => {
    await post('pipelines/sync/resume');
    const page = await browser.open(`${stage.server.url}/pipelines/sync`);
    await button(page, 'pause sync').focus();
    await page.keyboard.press('Enter');
    const status = panel(page).getByRole('status');
    // What is read out has to be there before it says anything.
    assert.is(await status.textContent(), '');
    await button(page, 'pause it').focus();
    await page.keyboard.press('Enter');
    await button(page, 'resume sync').waitFor();
    await page.locator('.head-state', { hasText: 'paused' }).waitFor();
    assert.is(await status.innerText(), 'Paused.');
    assert.is(await focused(page), 'panel');
    await post('pipelines/sync/resume');
    await button(page, 'pause sync').waitFor();
    await panel(page).waitFor({ state: 'detached' });
    assert.is(await focused(page), 'pause');
    assert.is(await button(page, 'pause sync').getAttribute('aria-expanded'), 'false');
    await closed(page);
  });

  test('that somebody else has done meanwhile says that it is not to be done, and gives its focus back to the row', async () => {
    await post('pipelines/nightly/pause');
    const page = await browser.open(`${stage.server.url}/pipelines/nightly`);
    await button(page, 'resume nightly').click();
    await button(page, 'resume it').focus();
    await post('pipelines/nightly/resume');
    await panel(page).getByText('Nothing was done: "resume" is not possible any more.').waitFor();
    assert.is(await focused(page), 'panel');
    assert.is(await button(page, 'resume it').count(), 0);
    await page.keyboard.press('Escape');
    await panel(page).waitFor({ state: 'detached' });
    assert.is(await focused(page), 'run now');
    // The next one opens as ever.
    await button(page, 'pause nightly').click();
    await button(page, 'pause it').waitFor();
    assert.is(await focused(page), 'panel');
    await closed(page);
  });

  test('keeps the focus on its button while it is done, and is done once', async () => {
    await post('pipelines/sync/resume');
    const page = await browser.open(`${stage.server.url}/pipelines/sync`);
    let asked = 0;
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await page.route('**/pipelines/sync/pause', async (route) => {
      asked += 1;
      await held;
      await route.continue();
    });
    await button(page, 'pause sync').click();
    await button(page, 'pause it').focus();
    await page.keyboard.press('Enter');
    await waitUntil(async () => (await button(page, 'pause it').getAttribute('aria-disabled')) === 'true', 'it to be at work');
    await page.keyboard.press('Enter');
    assert.is(await focused(page), 'pause it');
    // Closed before it is done: what came of it is said all the same.
    await page.keyboard.press('Escape');
    await panel(page).waitFor({ state: 'detached' });
    goOn();
    await page.getByRole('main').getByText('pause sync:Paused.').waitFor();
    assert.is(asked, 1);
    assert.is.not(await focused(page), 'body');
    await closed(page);
  });

  test('whose whole line goes is said on top of the page, with the focus', async () => {
    await post('pipelines/sync/runs');
    const page = await browser.open(`${stage.server.url}/`, { timezoneId: 'Asia/Kathmandu' });
    await button(page, 'take off: take sync off the queue').click();
    assert.match(
      String(await page.locator('.queue time').first().getAttribute('title')),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:45 Asia\/Kath?mandu, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    );
    await button(page, 'take it off').focus();
    await page.keyboard.press('Enter');
    await page.locator('.queue').waitFor({ state: 'detached' });
    const said = page.getByRole('main').getByRole('status').filter({ hasText: 'Taken off the queue.' });
    await said.waitFor();
    assert.match(await focused(page), /Taken off the queue\./);
    await said.getByRole('button', { name: 'close' }).click();
    await said.waitFor({ state: 'detached' });
    assert.is(await focused(page), 'main');
    await closed(page);
  });
});
