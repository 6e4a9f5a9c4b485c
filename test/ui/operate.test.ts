import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { pageOf } from '../support/page-of.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig, type Running } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();

suite('the page of a daemon', ({ test, before, after, skip }) => {
  const title = 'the four pipelines of the sample project, operated from the page alone';
  if (chromium === undefined) return skip(title, noChromium);
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let rig: Rig;
  let daemon: Running;
  let browser: TestBrowser;
  let page: Page;

  before(async () => {
    source = await freshDatabase('page');
    warehouse = await freshDatabase('page_dw');
    rig = await createRig();
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    assert.is((await rig.engine('init', '.')).code, 0);
    const yaml = rig.read('pipelines.yaml');
    // Users come when the test asks for them, and by no time of their own before.
    const later = `"${(new Date().getUTCMinutes() + 40) % 60} * * * *"`;
    rig.write('pipelines.yaml', yaml.replace('"5,20,35,50 * * * *"', '"* * * * *"').replace('"*/15 * * * *"', later));
    const filled = await rig.engine('generate', 'initial', '--users', '200', '--transactions', '500', '--seed', '3');
    assert.is(filled.code, 0, filled.stderr);
    daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    browser = await startBrowser(chromium);
    page = await browser.open(await pageOf(daemon, { leads: true }));
  });
  after(async () => {
    await browser?.close();
    await rig?.cleanup();
    await source?.drop();
    await warehouse?.drop();
  });

  const overview = (): Promise<void> => page.getByRole('link', { name: 'Overview' }).click();
  const pipeline = async (name: string): Promise<void> => {
    await overview();
    await page.getByRole('rowheader').getByRole('link', { name, exact: true }).click();
  };
  /** Asks for a run once its plan names that node; returns the address of the run, which the page opens by itself. */
  const trigger = async (name: string, node: string): Promise<string> => {
    await pipeline(name);
    await page.getByRole('button', { name: `run ${name} now` }).click();
    const panel = page.getByRole('region', { name: `run ${name} now` });
    await panel.getByRole('cell', { name: node, exact: true }).waitFor();
    await panel.getByRole('button', { name: 'run it' }).click();
    await page.waitForURL(/\/runs\//);
    return page.url();
  };
  const state = (word: string): Promise<void> => page.locator('.head-state', { hasText: word }).waitFor();
  const attention = () => page.getByRole('region', { name: 'needs attention' });

  test(title, async () => {
    await page.getByText('Nothing needs attention.').waitFor();
    assert.is(
      await page
        .getByRole('rowheader')
        .filter({ hasText: /_update|incremental_/ })
        .count(),
      4,
    );

    // At work on the other table while the rest goes on.
    const batch = await trigger('batch_transactions_full_update', 'truncate transactions');

    const first = await trigger('incremental_users', 'load users');
    await state('running');
    await page.getByRole('log').getByText('load users: started').waitFor();
    await state('succeeded');
    await page
      .getByRole('row', { name: /extract users/ })
      .getByText('200', { exact: true })
      .waitFor();
    await page
      .getByRole('log')
      .getByText(`succeeded: run ${first.split('/').at(-1)}`)
      .waitFor();

    const client = await source.client();
    await client.query("UPDATE public.users SET status = 'purged', updated_at = now() WHERE id = 1");
    const failed = (await trigger('incremental_users', 'dbt')).split('/').at(-1) ?? '';
    await state('failed');
    const result = page.getByRole('table', { name: /^tests/ }).getByRole('row', { name: /accepted_values_users_status/ });
    await result.getByText('fail', { exact: true }).waitFor();
    await result.getByText('Got 1 result, configured to fail if != 0').waitFor();
    assert.match(await page.getByRole('alert').first().innerText(), /What to do: /);
    await overview();
    await attention().getByText('incremental_users').waitFor();
    assert.match(await attention().innerText(), /failed/);

    const tests = rig.read('dbt/models/analytics/analytics.yml');
    rig.write('dbt/models/analytics/analytics.yml', tests.replace('[active, inactive, blocked]', '[active, inactive, blocked, purged]'));
    await attention()
      .getByRole('link', { name: `log of run ${failed}` })
      .click();
    await page.getByRole('button', { name: `retry run ${failed}` }).click();
    const panel = page.getByRole('region', { name: `retry run ${failed}` });
    await panel.getByText('Done again:').waitFor();
    assert.match(await panel.innerText(), /Done again: dbt\s+Kept: extract users, load users/);
    await panel.getByRole('button', { name: 'retry now' }).click();
    await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(failed));
    await state('succeeded');
    await page.getByRole('link', { name: failed }).first().click();
    await page.getByText('gone on with by').waitFor();

    const batches = [batch, await trigger('batch_users_full_update', 'truncate users')];

    await pipeline('incremental_users');
    await page.getByRole('button', { name: 'pause incremental_users' }).click();
    assert.match(await page.getByRole('region', { name: 'pause incremental_users' }).innerText(), /Resuming undoes it/);
    await page.getByRole('button', { name: 'pause it' }).click();
    await page.locator('.head-state', { hasText: 'paused' }).waitFor();
    await page.getByText('paused: when it would fire').waitFor();
    await overview();
    const row = page.getByRole('row', { name: /incremental_users/ });
    await row.getByText(/^paused for/).waitFor();
    await pipeline('incremental_users');
    await page.getByRole('button', { name: 'resume incremental_users' }).click();
    await page.getByRole('button', { name: 'resume it' }).click();
    await page.getByText('when it fires', { exact: true }).waitFor();
    assert.match(await page.getByRole('region', { name: 'next' }).getByRole('cell').first().innerText(), /^\d\d:\d\d, in \d/);
    await overview();
    await page.getByText('Nothing needs attention.').waitFor();
    await row.getByText(/^\d\d:\d\d, in \d+ [ms]$/).waitFor();

    for (const run of batches) {
      await page.goto(run);
      await state('succeeded');
    }
    await overview();
    // The fourth runs by its schedule alone.
    await page
      .getByRole('row', { name: /incremental_transactions/ })
      .getByRole('link', { name: /^succeeded/ })
      .waitFor();
    await pipeline('incremental_transactions');
    await page
      .getByRole('cell', { name: /^schedule, \d\d:\d\d/ })
      .first()
      .waitFor();
    assert.equal(browser.wrong, []);
  });
});
