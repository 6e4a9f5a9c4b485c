import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { EngineError } from '../../engine/error.ts';
import type { Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';
import { createFullStage } from './every-page.ts';

const chromium = chromiumPath();

suite('the page by the keyboard', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    stage = await createFullStage();
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const open = async (path: string, whole: string): Promise<Page> => {
    const page = await browser.open(`${stage.server.url}${path}`);
    await page.locator(whole).first().waitFor();
    return page;
  };
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };
  const path = (page: Page): string => new URL(page.url()).pathname + new URL(page.url()).search;
  const active = (page: Page): Promise<string> => page.evaluate("document.activeElement?.textContent ?? ''");

  test('/ finds pipelines, tables and actions; arrows choose, Enter opens, Escape gives the focus back', async () => {
    const page = await open('/', '.bars a');
    const field = page.getByRole('combobox', { name: /^search / });
    await page.getByRole('link', { name: 'Runs', exact: true }).focus();
    await page.keyboard.press('/');
    await field.waitFor();
    assert.is(await field.inputValue(), '');
    await page.keyboard.type('night');
    const chosen = page.locator('[role=option][aria-selected=true]');
    assert.is(await chosen.locator('.name').innerText(), 'nightly');
    assert.is(await field.getAttribute('aria-activedescendant'), await chosen.getAttribute('id'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
    assert.is(await active(page), 'Runs');
    await page.keyboard.press('/');
    await page.keyboard.type('run nightly now');
    await page.keyboard.press('Enter');
    // The action says what it will do; nothing is done yet, and a reload does not open it again.
    await page.getByRole('region', { name: 'run nightly now' }).getByRole('button', { name: 'run it' }).waitFor();
    assert.is(path(page), '/pipelines/nightly');
    await closed(page);
  });

  test('/ finds runs by a part of their id and by what they said, which the daemon looks for', async () => {
    const page = await open('/runs', 'table.rows td a');
    await page.keyboard.press('/');
    await page.keyboard.type('full-');
    await page.getByRole('option', { name: /full-2/ }).waitFor();
    await page.getByRole('combobox', { name: /^search / }).fill('locked by pid');
    await page
      .getByRole('group', { name: 'runs' })
      .getByRole('option', { name: /full-2.*locked by pid 812/ })
      .click();
    await page.waitForURL(/runs\/full-2/);
    await page.locator('.log-line').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('<b>nothing</b>');
    await page.getByText('Nothing is called <b>nothing</b>').waitFor();
    await closed(page);
  });

  test('/ says of runs only what is known: not that there are none while they are looked for or cannot be, nor those of other words', async () => {
    const page = await open('/runs', 'table.rows td a');
    let answer: 'hold' | 'fail' | 'go on' = 'go on';
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await page.route('**/api/v1/search?*', async (route) => {
      if (answer === 'fail') return route.abort();
      if (answer === 'hold') await held;
      await route.continue();
    });
    const field = page.getByRole('combobox', { name: /^search / });
    const note = page.locator('.search-note');
    await page.keyboard.press('/');
    await field.fill('full-');
    await page.getByRole('option', { name: /full-2/ }).waitFor();
    answer = 'hold';
    await field.fill('nobody said this');
    await note.getByText('Looking for runs that said it ...').waitFor();
    assert.is(await page.locator('[role=option]').count(), 0, 'what other words found is gone');
    assert.not.match(await note.innerText(), /no recent run/);
    goOn();
    await note.getByText('Nothing is called nobody said this, and no recent run said it.').waitFor();
    answer = 'fail';
    await field.fill('nobody said that');
    await note.getByText('Runs could not be looked for: the daemon cannot be reached').waitFor();
    assert.not.match(await note.innerText(), /no recent run/);
    await page.context().close();
    assert.equal(
      browser.wrong.splice(0).filter((line) => !/ERR_FAILED/.test(line)),
      [],
    );
  });

  test('another page has the focus at its beginning, named by its title; a filter leaves it', async () => {
    const page = await open('/', '.bars a');
    const at = (): Promise<string> =>
      page.evaluate("document.activeElement.id === 'main' ? document.activeElement.ariaLabel : document.activeElement.tagName");
    const opens = (title: string): Promise<void> => waitUntil(async () => (await at()) === title, `${title} to have the focus`);
    assert.is(await at(), 'BODY', 'the first page is left to the browser');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await opens('Runs');
    assert.is(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
    assert.is(await page.title(), 'Runs');
    const filter = page.getByRole('searchbox', { name: 'pipeline' });
    await filter.fill('sync');
    await filter.press('Enter');
    await page.waitForURL(/pipeline=sync/);
    assert.is(await at(), 'INPUT');
    await page.keyboard.press('Tab');
    await page.goBack();
    await opens('Overview');
    await page.getByRole('link', { name: 'shop' }).click();
    await page.waitForURL(/tag=shop/);
    assert.is(await at(), 'A', 'the same page, narrowed');
    await page.goBack();
    await page.waitForURL(/\/$/);
    assert.is(await at(), 'A');
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await opens('Tables');
    await page.keyboard.press('/');
    await page.keyboard.type('nightly');
    await page.keyboard.press('Enter');
    await opens('nightly');
    // Tab goes on from there, into the page and not the bar above it.
    await page.locator('.head .acts button').first().waitFor();
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate("document.activeElement.closest('main') !== null"));
    await closed(page);
  });

  test('g and a letter jumps, back comes back, and no key does anything while somebody writes', async () => {
    const page = await open('/', '.bars a');
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.waitForURL(/\/runs$/);
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.waitForURL(/\/tables$/);
    await page.goBack();
    await page.waitForURL(/\/runs$/);
    await page.getByRole('searchbox', { name: 'pipeline' }).fill('');
    await page.keyboard.type('g/?jo');
    assert.is(await page.getByRole('searchbox', { name: 'pipeline' }).inputValue(), 'g/?jo');
    assert.is(await page.locator('dialog').count(), 0);
    assert.is(path(page), '/runs');
    await closed(page);
  });

  test('j and k go along the lines of the lists, Enter opens one', async () => {
    const page = await open('/', '.bars a');
    const focused = (): Promise<string> => page.evaluate("document.activeElement.closest('tr, [data-row]')?.textContent ?? ''");
    await page.keyboard.press('j');
    assert.match(await focused(), /^sync.*failed/);
    await page.keyboard.press('j');
    assert.match(await focused(), /^users.*stale/);
    await page.keyboard.press('k');
    assert.match(await focused(), /^sync.*failed/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/pipelines\/sync$/);
    await closed(page);
  });

  test('? says which keys there are; f follows the log', async () => {
    const page = await open('/runs/full-1', '.log-line');
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: 'keys' });
    await keys.getByText('go to runs').waitFor();
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'detached' });
    const follow = page.getByRole('checkbox', { name: 'follow' });
    const before = await follow.isChecked();
    await page.keyboard.press('f');
    await waitUntil(async () => (await follow.isChecked()) !== before, 'follow to change');
    await closed(page);
  });

  test('Tab reaches every control of the overview in the order of the page, each with its focus shown, and comes out at its end', async () => {
    const page = await open('/', '.bars a');
    await page.getByRole('img', { name: 'never loaded' }).waitFor();
    const expected = (await page.evaluate(
      `[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter((e) => e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true })).length`,
    )) as number;
    const seen: { readonly place: number; readonly outline: string; readonly shown: boolean }[] = [];
    for (let i = 0; i < expected + 5; i += 1) {
      await page.keyboard.press('Tab');
      const now = (await page.evaluate(`(() => {
        const e = document.activeElement;
        if (e === null || e === document.body) return null;
        const all = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')];
        const { outlineStyle, outlineWidth } = getComputedStyle(e);
        const box = e.getBoundingClientRect();
        const space = e.querySelector('.bar-space');
        const drawn = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
        const filled = space !== null && getComputedStyle(space).fill !== 'rgba(0, 0, 0, 0)';
        return { place: all.indexOf(e), outline: drawn || filled ? 'shown' : e.outerHTML.slice(0, 120), shown: box.bottom > 0 && box.top < innerHeight && box.width > 0 };
      })()`)) as (typeof seen)[number] | null;
      if (now === null) break;
      if (seen.some(({ place }) => place === now.place)) break;
      seen.push(now);
    }
    assert.is(seen.length, expected);
    assert.equal(
      seen.map(({ place }) => place),
      seen.map(({ place }) => place).sort((a, b) => a - b),
    );
    assert.equal([...new Set(seen.map(({ outline }) => outline))], ['shown']);
    assert.ok(seen.every(({ shown }) => shown));
    await closed(page);
  });

  test('on a phone the pages are behind one button', async () => {
    const page = await browser.open(`${stage.server.url}/`, { viewport: { width: 390, height: 844 } });
    await page.locator('.bars').first().waitFor();
    assert.is(await page.getByRole('link', { name: 'Tables', exact: true }).isVisible(), false);
    await page.getByRole('button', { name: 'Overview' }).click();
    await page.getByRole('link', { name: 'Tables', exact: true }).click();
    await page.waitForURL(/\/tables$/);
    assert.is(await page.getByRole('link', { name: 'Tables', exact: true }).isVisible(), false);
    await page.getByRole('button', { name: 'Tables' }).waitFor();
    await closed(page);
  });
});

suite('the overview', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    stage = await createFullStage();
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });

  test('its filter stands in the address, and whoever gets that sees the same', async () => {
    const page = await browser.open(`${stage.server.url}/`);
    const names = page.getByRole('rowheader').getByRole('link');
    await page.locator('.bars a').first().waitFor();
    await page.getByRole('link', { name: 'shop' }).click();
    assert.match(page.url(), /\?tag=shop$/);
    await waitUntil(async () => !(await names.allInnerTexts()).includes('nightly'), 'the tag to narrow it');
    await page.getByRole('searchbox', { name: 'filter pipelines and tables' }).fill('nothing');
    await page.getByText('No pipeline matches nothing, #shop').waitFor();
    const other = await browser.open(page.url());
    await other.getByText('No pipeline matches nothing, #shop').waitFor();
    await other.getByRole('link', { name: /show all/ }).click();
    await other.locator('.bars a').first().waitFor();
    await other.getByRole('link', { name: /1 running/ }).click();
    await waitUntil(async () => (await other.locator('.bars').count()) === 1, 'the state to narrow it');
    assert.is(await other.getByRole('rowheader').getByRole('link').first().innerText(), 'nightly');
    await page.context().close();
    await other.context().close();
    assert.equal(browser.wrong.splice(0), []);
  });

  test('says in words how far each place is behind the source, and the name of a table leads to it', async () => {
    const page = await browser.open(`${stage.server.url}/`);
    await page.getByRole('img', { name: /^lake .* behind, staging .* behind, nothing in analytics; no limit/ }).waitFor();
    const median = page
      .getByRole('row', { name: /^failed sync/ })
      .getByRole('link')
      .and(page.locator('[href="/runs?pipeline=sync&state=succeeded"]'));
    assert.match(String(await median.getAttribute('title')), /^1 of the last 3 runs succeeded: at least half of those took no longer$/);
    await page.getByRole('rowheader').getByRole('link', { name: 'users' }).click();
    await page.waitForURL(/\/tables\/users$/);
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  });

  test('the bar counts what answers, with since when and why behind it, and what does not needs attention', async () => {
    const server = await stage.another({
      link: async (config, kind, name) => {
        const connection = await stage.parts.link(config, kind, name);
        if (kind !== 'source') return connection;
        const look = async (): Promise<never> => {
          throw new EngineError('outside', 'postgres.refused', 'connecting to 10.0.0.1: refused', { hint: 'Is it at work?' });
        };
        return { ...connection, look };
      },
    });
    const page = await browser.open(`${server.url}/`);
    await page.getByRole('region', { name: 'needs attention' }).getByText('does not answer: connecting to 10.0.0.1: refused').waitFor();
    const bar = page.getByRole('banner').getByRole('group');
    await bar.getByText('sources 0/1').click();
    assert.match(await bar.getByRole('listitem').first().innerText(), /does not answer since[\s\S]*refused[\s\S]*Is it at work/);
    await page.keyboard.press('Escape');
    await bar.getByRole('listitem').first().waitFor({ state: 'hidden' });
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  });
});
