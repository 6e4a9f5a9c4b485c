import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { EngineError } from '../../engine/error.ts';
import type { ServerParts } from '../../engine/serve/parts.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

const chromium = chromiumPath();
const away = new EngineError('outside', 'store.failed', 'the state store failed: it is away', { retryable: true });

suite('the page while answers come late or not at all', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  let between: Server;
  let url = '';
  /** Answers a path instead of the daemon, or does not. */
  const instead = new Map<string, (response: ServerResponse) => void>();
  /** What asks the store waits for it. */
  let store: Promise<void> = Promise.resolve();

  before(async () => {
    await ensureBuilt();
    stage = await createStage();
    const { history } = stage.parts;
    const waits: Partial<ServerParts['history']> = {
      pipelines: async (...asked) => store.then(() => history.pipelines(...asked)),
      tableNodes: async (...asked) => store.then(() => history.tableNodes(...asked)),
    };
    const daemon = await stage.another({ uiFolder: join(projectRoot, 'dist', 'ui'), history: { ...history, ...waits } });
    between = createServer((asked, response) => {
      const { url: path = '', method, headers } = asked;
      const own = instead.get(path);
      if (own !== undefined) return own(response);
      const onward = request(new URL(path, daemon.url), { method: method ?? 'GET', headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      response.once('close', () => onward.destroy());
      onward.on('error', () => response.destroy());
      asked.pipe(onward);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => between.once('listening', resolve));
    url = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    await stage.keepRun('run-1', 'sync', [{ type: 'run.succeeded' }]);
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    between?.closeAllConnections();
    between?.close();
    await stage?.close();
  });
  /** A page whose clock a test puts on. */
  const open = async (path: string): Promise<Page> => {
    const page = await browser.open('about:blank');
    await page.clock.install();
    page.setDefaultTimeout(20_000);
    await page.goto(url + path);
    return page;
  };
  const closed = async (page: Page, expected = /never/): Promise<void> => {
    await page.context().close();
    assert.equal(
      browser.wrong.splice(0).filter((line) => !expected.test(line)),
      [],
    );
  };

  test('a page says at once whose it is, then that it is not answered, and is there by itself once it is', async () => {
    store = Promise.reject(away);
    store.catch(() => undefined);
    const page = await open('/tables/users');
    await page.getByRole('heading', { name: 'users', level: 1 }).waitFor();
    await page.getByText('The table cannot be shown').waitFor();
    store = Promise.resolve();
    await page.clock.fastForward(31_000);
    await page.locator('.facts', { hasText: 'pipelines' }).waitFor();
    assert.is(await page.getByText('The table cannot be shown').count(), 0);
    await closed(page, /503/);
  });

  test('an answer that breaks off, and one that never comes, are said, and asked for again', async () => {
    const path = '/api/v1/tables/users';
    instead.set(path, (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
      response.write('{"at":', () => response.destroy());
    });
    const page = await open('/tables/users');
    await page.getByText('the daemon cannot be reached').waitFor();
    let asked = 0;
    instead.set(path, () => {
      asked += 1;
    });
    await page.clock.fastForward(31_000);
    await waitUntil(() => asked > 0, 'the page asks again');
    await page.clock.fastForward(61_000);
    await page.getByText('the daemon did not answer within 60 s').waitFor();
    instead.delete(path);
    // It was asked for again in the meantime, and that one never comes either.
    await page.clock.fastForward(61_000);
    await page.clock.fastForward(31_000);
    await page.locator('.facts', { hasText: 'pipelines' }).waitFor();
    assert.is(await page.getByText('The table cannot be shown').count(), 0);
    await closed(page, /ERR_|never came/);
  });

  test('the page is drawn though nobody says who looks', async () => {
    instead.set('/api/v1/session', () => undefined);
    const page = await open('/');
    await page.getByText('Asking the daemon ...').waitFor();
    await page.clock.fastForward(11_000);
    await page.getByText('Nothing needs attention.').waitFor();
    assert.is(await page.getByText('Asking the daemon ...').count(), 0);
    instead.clear();
    await closed(page, /ERR_/);
  });

  test('without the store what was known is shown, ages go on, and nothing is called well that is not known', async () => {
    const page = await open('/');
    await page.getByText('Nothing needs attention.').waitFor();
    store = Promise.reject(away);
    store.catch(() => undefined);
    await page.clock.fastForward(31_000);
    const banner = page.locator('.banner', { hasText: 'The state store does not answer' });
    await banner.waitFor();
    await page.getByText('Nothing needed attention when that was known last.').waitFor();
    await page.clock.fastForward('20:00');
    await banner.getByText(/for (19|2\d) m/).waitFor();
    await page.clock.fastForward(31_000);
    await banner.getByText(/for 2\d m/).waitFor();
    store = Promise.resolve();
    await page.clock.fastForward(31_000);
    await page.getByText('Nothing needs attention.').waitFor();
    assert.is(await banner.count(), 0);
    await closed(page, /503/);
  });

  test('an overview that fails is said, and is not called well', async () => {
    const page = await open('/');
    await page.getByText('Nothing needs attention.').waitFor();
    await page.route('**/api/v1/overview', (route) =>
      route.fulfill({ status: 500, json: { error: { code: 'engine.defect', message: 'a defect' } } }),
    );
    await page.clock.fastForward(31_000);
    await page.getByText('The overview is not up to date').waitFor();
    await page.getByText('Nothing needed attention when that was known last.').waitFor();
    await closed(page, /500/);
  });
});
