import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { everyPage, openStages, type Stages } from './every-page.ts';

const chromium = chromiumPath();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

suite('what assistive technology gets', ({ test, before, after, skip }) => {
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

  test('axe is at work: it finds a picture without words', async () => {
    const page = await stages.open(browser, { name: 'nothing there', path: '/nowhere', whole: '.empty' }, { bypassCSP: true });
    await page.evaluate("document.querySelector('main').append(new Image())");
    assert.match((await violations(page)).join('\n'), /^critical image-alt/m);
    await page.context().close();
  });

  for (const shown of everyPage)
    test(`${shown.name}: axe finds nothing, in both themes, on a desk and on a phone`, async () => {
      const page = await stages.open(browser, shown, { bypassCSP: true, reducedMotion: 'reduce' });
      const found: string[] = [];
      for (const size of [desktop, phone])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize(size);
          await page.emulateMedia({ colorScheme });
          for (const violation of await violations(page, colorScheme === 'dark' ? ['color-contrast'] : undefined))
            found.push(`${size.width} px, ${colorScheme}: ${violation}`);
          const wider = (await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) as number;
          if (wider > 0) found.push(`${size.width} px: the page is ${wider} px wider than the screen`);
        }
      await page.context().close();
      assert.equal(found, []);
      assert.equal(browser.wrong.splice(0), []);
    });
});

/** What axe finds on the page as it is, as lines; of a second theme only what a theme can change. */
async function violations(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate(
    `window.axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) })})`,
  )) as AxeResults;
  return found.violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.map(({ target, html }) => `${impact} ${id}: ${help}: ${target.join(' ')} ${html.slice(0, 160)}`),
  );
}
