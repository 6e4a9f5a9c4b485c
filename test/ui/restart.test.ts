import { createServer } from 'node:net';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { pageOf } from '../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig, type Running } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();

const yaml = `
version: 1
sources: { shop: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
tables:
  orders: { cursor: updated_at }
pipelines:
  orders_now: { mode: incremental, tables: [orders] }
`;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

suite('two readers and a daemon that is restarted', ({ test, before, after, skip }) => {
  const title = 'both see each other at work, are told when the daemon is gone, and go on by themselves once it is back';
  if (chromium === undefined) return skip(title, noChromium);
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  let browser: TestBrowser;
  let port: number;

  before(async () => {
    source = await freshDatabase('shop');
    warehouse = await freshDatabase('shop_dw');
    const client = await source.client();
    await client.query(`CREATE TABLE orders (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO orders SELECT g FROM generate_series(1, 500) g`);
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    port = await freePort();
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  const startDaemon = async (): Promise<Running> => {
    const daemon = rig.start('daemon', '--listen', `127.0.0.1:${port}`);
    await pageOf(daemon, { leads: true });
    return daemon;
  };
  const askFor = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'run orders_now now' }).click();
    const panel = page.getByRole('region', { name: 'run orders_now now' });
    await panel.getByRole('cell', { name: 'load orders', exact: true }).waitFor();
    await panel.getByRole('button', { name: 'run it' }).click();
    await page.waitForURL(/\/runs\//);
  };
  const state = (page: Page, word: string): Promise<void> => page.locator('.head-state', { hasText: word }).waitFor();

  test(title, async () => {
    const first = await startDaemon();
    const root = `http://127.0.0.1:${port}`;
    const anna = await browser.open(`${root}/pipelines/orders_now`);
    const ben = await browser.open(`${root}/`);
    const row = ben.getByRole('row', { name: /orders_now/ });
    await row.getByText('by hand').waitFor();
    for (const page of [anna, ben]) await page.evaluate('window.same = true');

    const locker = await source.client();
    await locker.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    await askFor(anna);
    await state(anna, 'running');
    await row.getByRole('link', { name: /^run: running/ }).waitFor();

    // Nobody is asked before it goes; its run goes on without it.
    first.kill('SIGKILL');
    await first.ended;
    for (const page of [anna, ben]) await page.getByText('Connection lost').waitFor();
    await state(anna, 'running');
    await locker.query('COMMIT');

    const second = await startDaemon();
    for (const page of [anna, ben]) await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await state(anna, 'succeeded');
    await anna
      .getByRole('log')
      .getByText(/^succeeded: run/)
      .waitFor();
    await row.getByRole('link', { name: /^run: succeeded/ }).waitFor();

    await ben.getByRole('rowheader').getByRole('link', { name: 'orders_now' }).click();
    await anna.getByRole('link', { name: 'Overview' }).click();
    await askFor(ben);
    await state(ben, 'succeeded');
    // Older bars are one picture until somebody comes near: its words count them.
    await anna
      .getByRole('row', { name: /orders_now/ })
      .locator('title', { hasText: '2 succeeded' })
      .waitFor({ state: 'attached' });
    for (const page of [anna, ben]) assert.is(await page.evaluate('window.same'), true, 'the page was never loaded anew');
    const expected = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
    assert.equal(
      browser.wrong.filter((line) => !expected.test(line)),
      [],
    );
    second.kill('SIGTERM');
    await second.ended;
  });
});
