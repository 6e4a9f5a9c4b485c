import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Locator, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { restoreDump } from '../support/dump.ts';
import { pageOf } from '../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';
import { unfollowed } from './unfollowed.ts';

const chromium = chromiumPath();
const dump = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'pagila.sql');

const yaml = `
version: 1
sources: { pagila: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: last_update, retries: { attempts: 1 } }
tables:
  payment: {}
  customer: {}
  language: {}
pipelines:
  everything: { mode: full, tables: ["public.*"] }
  changed: { mode: incremental, tables: [customer, language], schedule: { cron: "0 5 1 1 *", timezone: Europe/Vienna } }
  payments: { mode: full, tables: [payment] }
`;

suite('the page over pagila, a real database', ({ test, before, after, skip }) => {
  const title = 'trigger, watch, follow each number, fail, read, retry, cancel, pause and resume';
  if (!existsSync(dump)) return skip(title, 'no ../shared/data');
  if (chromium === undefined) return skip(title, noChromium);
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let rig: Rig;
  let browser: TestBrowser;
  let page: Page;

  before(async () => {
    source = await freshDatabase('pagila_page');
    warehouse = await freshDatabase('pagila_page_dw');
    from = await source.client();
    await restoreDump(from, dump);
    await from.query('RESET search_path');
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    browser = await startBrowser(chromium);
    page = await browser.open(await pageOf(daemon, { leads: true }));
  });
  after(async () => {
    await browser?.close();
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  const tab = (name: string): Promise<void> => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  const pipeline = async (name: string): Promise<void> => {
    await tab('Overview');
    await page.getByRole('rowheader').getByRole('link', { name, exact: true }).click();
  };
  const trigger = async (name: string, node: string): Promise<string> => {
    await pipeline(name);
    await page.getByRole('button', { name: `run ${name} now` }).click();
    const panel = page.getByRole('region', { name: `run ${name} now` });
    await panel.getByRole('cell', { name: node, exact: true }).waitFor();
    await panel.getByRole('button', { name: 'run it' }).click();
    await page.waitForURL(/\/runs\//);
    return new URL(page.url()).pathname.split('/').at(-1) ?? '';
  };
  const state = (word: string): Promise<void> => page.locator('.head-state', { hasText: word }).first().waitFor();
  const node = (name: string): Locator => page.locator('table.nodes').getByRole('row', { name: new RegExp(`${name}( |$)`) });
  const marked = (name: string, word: string): Promise<void> =>
    node(name).locator('title', { hasText: word }).first().waitFor({ state: 'attached' });
  const allFollowed = async (): Promise<void> => assert.equal(await unfollowed(page), [], page.url());
  const count = async (table: string): Promise<string> =>
    Number((await from.query(`SELECT count(*) FROM public.${table}`)).rows[0]?.count).toLocaleString('en-US');

  test(title, async () => {
    await page.getByText('Nothing needs attention.').waitFor();
    const whole = await trigger('everything', 'extract film_actor');
    await state('succeeded');
    for (const table of ['film', 'rental', 'payment', 'language'])
      await node(`load ${table}`)
        .getByText(await count(table), { exact: true })
        .first()
        .waitFor();
    await allFollowed();

    // From a number of the overview to the source of it: table, commit, run, line of its log.
    await tab('Overview');
    await allFollowed();
    await tab('Tables');
    await page.getByRole('rowheader').getByRole('link', { name: 'rental', exact: true }).waitFor();
    await allFollowed();
    await page.getByRole('rowheader').getByRole('link', { name: 'rental', exact: true }).click();
    await page
      .getByText(await count('rental'))
      .first()
      .waitFor();
    await allFollowed();
    await page.locator(`a[href^="/runs/${whole}"]`).first().click();
    await page.waitForURL(new RegExp(whole));
    await state('succeeded');

    // One table fails, the other goes on.
    await from.query('ALTER TABLE public.language RENAME COLUMN last_update TO changed_at');
    await pipeline('changed');
    await page.getByRole('button', { name: 'run changed now' }).click();
    const panel = page.getByRole('region', { name: 'run changed now' });
    await panel
      .getByText(/last_update/)
      .first()
      .waitFor();
    await from.query('ALTER TABLE public.language RENAME COLUMN changed_at TO last_update');
    await panel
      .getByRole('button', { name: /^(?!run it)/ })
      .first()
      .waitFor();
    const client = await warehouse.client();
    await client.query("ALTER TABLE staging.language ADD CONSTRAINT refused CHECK (name <> 'Walloon')");
    await from.query("INSERT INTO public.language (name) VALUES ('Walloon')");
    const failed = await trigger('changed', 'load language');
    await state('failed');
    await marked('load language', 'failed');
    await marked('load customer', 'succeeded');
    const told = await page.getByRole('alert').first().innerText();
    assert.ok(/refused[\s\S]*What to do: /.test(told), told);
    await tab('Overview');
    await page.getByRole('link', { name: 'why: what changed waits for' }).click();
    await page
      .getByRole('region', { name: 'why' })
      .getByText(/violates check constraint "refused"/)
      .waitFor();
    await tab('Overview');
    await page
      .getByRole('region', { name: 'needs attention' })
      .getByRole('link', { name: `log of run ${failed}` })
      .click();
    await page.getByLabel('search the log').fill('refused');
    await page
      .getByRole('log')
      .getByText(/refused/)
      .first()
      .waitFor();
    await client.query('ALTER TABLE staging.language DROP CONSTRAINT refused');
    await page.getByRole('button', { name: `retry run ${failed}` }).click();
    await page
      .getByRole('region', { name: `retry run ${failed}` })
      .getByRole('button', { name: 'retry now' })
      .click();
    await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(failed));
    await state('succeeded');
    assert.equal((await client.query("SELECT count(*)::int AS n FROM staging.language WHERE name ~ 'Walloon'")).rows, [{ n: 1 }]);

    // Who stands in the way of a run that does not end is told, and it is cancelled.
    const locker = await source.client();
    await locker.query('BEGIN; LOCK TABLE public.payment IN ACCESS EXCLUSIVE MODE');
    const stuck = await trigger('payments', 'load payment');
    await state('running');
    await page.getByRole('button', { name: `cancel run ${stuck}` }).click();
    await page
      .getByRole('region', { name: `cancel run ${stuck}` })
      .getByRole('button', { name: /^(cancel|stop)/ })
      .click();
    await state('cancelled');
    await locker.query('ROLLBACK');

    await pipeline('changed');
    await allFollowed();
    await page.getByRole('button', { name: 'pause changed' }).click();
    await page.getByRole('button', { name: 'pause it' }).click();
    await state('paused');
    await page.getByRole('button', { name: 'resume changed' }).click();
    await page.getByRole('button', { name: 'resume it' }).click();
    await page.locator('.head-state', { hasText: 'paused' }).waitFor({ state: 'detached' });
    for (const path of ['Schedule', 'Audit', 'Settings', 'Runs']) {
      await tab(path);
      await page.locator('main table').first().waitFor();
      await allFollowed();
    }
    assert.equal(browser.wrong, []);
  });
});
