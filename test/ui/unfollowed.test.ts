import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { everyPage, openStages, type Stages } from './every-page.ts';
import { unfollowed } from './unfollowed.ts';

const chromium = chromiumPath();

suite('where numbers lead', ({ test, before, after, skip }) => {
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

  test('a link beside a number is none of it', async () => {
    const page = await stages.open(browser, { name: 'nothing there', path: '/nowhere', whole: '.empty' });
    await page.evaluate(`document.querySelector('main').innerHTML = \`<section aria-label="bed">
      <table><thead><tr><th>table</th><th>rows</th><th>size</th></tr></thead><tbody>
        <tr><th><a href="/tables/a">a</a></th><td class="number">7</td><td class="number"><a href="/tables/a">12 kB</a></td></tr></tbody></table>
      <p>took <b>4.1</b> s</p><p>lake v412, <a href="/">38 files</a></p><p>in <time>3 m</time></p><p>line 12, then 5 of them</p></section>\``);
    assert.equal(await unfollowed(page), ['bed: 4.1 s', 'bed: v412', 'bed / rows / number: 7']);
    await page.context().close();
  });

  for (const shown of everyPage)
    test(`${shown.name}: every number is in a link or opens`, async () => {
      const page = await stages.open(browser, shown);
      const found = await unfollowed(page);
      await page.context().close();
      assert.equal(found, []);
      assert.equal(browser.wrong.splice(0), []);
    });
});
