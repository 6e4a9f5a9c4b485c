import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { everyPage, openStages, type Stages } from './every-page.ts';

const chromium = chromiumPath();

/** What can be used on a page, in its order; an open dialog is all that there is. Those within `grids` need not be reached by Tab: the arrow keys reach them. */
const grids = '.bars, .graph, .run-grid, .calendar, .log-lines';

/** In the page: `controls()` are those that can be used, `place()` that of the focus among them, `look()` what the focus shows. */
const inPage = `
  window.controls = () => [...(document.querySelector('dialog[open]') ?? document).querySelectorAll('a, button, input, select, summary, [tabindex]')].filter(
    (e) => !e.disabled && (e.tabIndex >= 0 || e.closest('${grids}')) && e.getAttribute('role') !== 'option' && e.checkVisibility({ visibilityProperty: true }));
  window.place = () => window.controls().indexOf(document.activeElement);
  window.look = () => {
    const e = document.activeElement;
    if (e === null || e === document.body || e === document.documentElement) return null;
    const shows = (x) => { const { outlineStyle, outlineWidth } = getComputedStyle(x); return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0; };
    const space = e.querySelector('.bar-space');
    const stroked = [...e.querySelectorAll('rect')].some((rect) => parseFloat(getComputedStyle(rect).strokeWidth) >= 2);
    const seen = shows(e) || stroked || (space !== null && getComputedStyle(space).fill !== 'rgba(0, 0, 0, 0)') || e.matches('.search-typed');
    const box = e.getBoundingClientRect();
    const there = box.bottom > 0 && box.top < innerHeight && box.width > 0;
    return { place: window.place(), wrong: seen && there ? null : (seen ? 'out of sight: ' : 'no focus shown: ') + e.outerHTML.slice(0, 160) };
  };`;

interface Look {
  readonly place: number;
  readonly wrong: string | null;
}

suite('every page by Tab and the arrow keys', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stages: Stages;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    stages = await openStages();
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stages?.close();
  });

  for (const shown of everyPage)
    test(`${shown.name}: all of it is reached with its focus shown, nothing holds the focus, and no policy is violated`, async () => {
      const page = await stages.open(browser, shown);
      await page.evaluate(inPage);
      const wrong: string[] = [];
      const reached = new Set<number>();
      // Tab begins at the top, wherever something was opened.
      if (shown.key === undefined)
        await page.evaluate('document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex")');
      const count = (await page.evaluate('window.controls().length')) as number;
      assert.ok(count > 0);
      // A dialog has the focus as it opens.
      if (shown.key !== undefined) reached.add((await page.evaluate('window.place()')) as number);
      let out = false;
      for (let i = 0; i < count + 10 && !out; i += 1) {
        await page.keyboard.press('Tab');
        const look = (await page.evaluate('window.look()')) as Look | null;
        out = look === null || reached.has(look.place);
        if (look === null || out) continue;
        if (look.wrong !== null) wrong.push(look.wrong);
        reached.add(look.place);
        for (const place of await withArrows(page, wrong)) reached.add(place);
      }
      if (!out) wrong.push('Tab does not come out at the end');
      const all = (await page.evaluate('window.controls().map((e) => e.outerHTML.slice(0, 160))')) as readonly string[];
      for (const [place, html] of all.entries()) if (!reached.has(place)) wrong.push(`not reached: ${html}`);
      wrong.push(...(await leftOpen(page)));
      await page.context().close();
      assert.equal(wrong, []);
      assert.equal(browser.wrong.splice(0), []);
    });
});

/** Escape closes a dialog, and what an action says; that gives the focus back to its button. */
async function leftOpen(page: Page): Promise<readonly string[]> {
  const wrong: string[] = [];
  const dialog = page.locator('dialog');
  if ((await dialog.count()) > 0) {
    await dialog.locator('input, button').first().focus();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
  const panel = page.locator('.act-panel');
  if ((await panel.count()) > 0) {
    await panel.getByRole('button').last().focus();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    const back = await page.evaluate("document.activeElement.matches('.acts button[aria-expanded=false]')");
    if (back !== true) wrong.push('Escape does not give the focus back to the button of the action');
  }
  return wrong;
}

/** Where the arrow keys lead to within a grid that has the focus: to its first line, then line by line, each from its first place to its last. */
async function withArrows(page: Page, wrong: string[]): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  const isGrid = (await page.evaluate(`document.activeElement.closest('${grids}') !== null && window.place() !== -1`)) as boolean;
  if (!isGrid) return found;
  /** Presses the key as long as it leads anywhere; false when it led nowhere. */
  const press = async (key: string, most: number): Promise<boolean> => {
    let moved = false;
    for (let i = 0; i < most; i += 1) {
      const before = await page.evaluate('window.place()');
      await page.keyboard.press(key);
      const look = (await page.evaluate('window.look()')) as Look | null;
      if (look === null || look.place === -1) {
        wrong.push(`${key} loses the focus`);
        return false;
      }
      if (look.wrong !== null) wrong.push(look.wrong);
      found.add(look.place);
      if (look.place === before) return moved;
      moved = true;
    }
    return moved;
  };
  await press('ArrowUp', 100);
  do {
    await press('ArrowLeft', 100);
    await press('ArrowRight', 100);
  } while (await press('ArrowDown', 1));
  return found;
}
