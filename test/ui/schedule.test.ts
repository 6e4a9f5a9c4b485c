import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { systemClock } from '../../engine/base/clock.ts';
import type { Config } from '../../engine/config.ts';
import { dueFires } from '../../engine/schedule/due.ts';
import { leftOut } from '../../engine/schedule/left-out.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();
const at = (cron: string, timezone: string) => ({ cron, timezone, dst: { gap: 'after', fold: 'once' } }) as const;
const now = '2026-03-28T09:20:00Z';
const sync = pipelineOf('sync', ['users'], { schedules: [at('*/15 * * * *', 'UTC')] });
const night = pipelineOf('night', ['users'], { schedules: [at('30 2 * * *', 'Europe/Berlin')], paused: true });

suite('the schedule in a browser', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  let config: Config = configOf([tableOf('users')], [sync, night, pipelineOf('by-hand', ['users'])]);

  before(async () => {
    await ensureBuilt();
    stage = await createStage({
      uiFolder: join(projectRoot, 'dist', 'ui'),
      clock: { ...systemClock, now: () => Date.parse(now) },
      config: async () => config,
    });
    const lead = await stage.store.lease('daemon', stage.parts.self);
    const made = await stage.queue.decide(lead, {
      pipeline: 'sync',
      mark: dueFires({ schedules: sync.schedules, catchup: 'none', mark: undefined, nowMs: Date.parse(now) }).mark,
      fires: [
        { scheduledAtMs: Date.parse('2026-03-28T08:00:00Z'), state: 'queued' },
        { scheduledAtMs: Date.parse('2026-03-28T08:15:00Z'), state: 'skipped', reason: leftOut.atWork('sync-1') },
        { scheduledAtMs: Date.parse('2026-03-28T08:30:00Z'), state: 'skipped', reason: leftOut.waiting },
      ],
    });
    await stage.keepRun('sync-1', 'sync', [{ type: 'run.succeeded' }], {
      trigger: 'schedule',
      scheduledAt: '2026-03-28T08:00:00.000Z',
      queued: made[0]?.id ?? 0,
    });
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
  const cell = (page: Page, name: RegExp | string) => page.getByRole('button', { name });

  test('a day by its hours: what came, what was missed and late, what is to come, each opened to its times and runs', async () => {
    const page = await browser.open(`${stage.server.url}/schedule`, { timezoneId: 'Europe/Berlin' });
    await page.getByRole('columnheader', { name: /^10\s?, now$/ }).waitFor();
    // The run began long after its time: tests are of another day.
    const eight = cell(page, 'sync, Sat 28 Mar 09:00 to 10:00: 1 missed, 1 skipped, 1 succeeded, 1 late');
    await eight.waitFor();
    await cell(page, 'sync, Sat 28 Mar 11:00 to 12:00: 4 to come').waitFor();
    await page.getByRole('row', { name: /night/ }).getByText('paused in pipelines.yaml').waitFor();
    await eight.click();
    const times = page.getByRole('region', { name: /^times of sync/ });
    await times.getByRole('row', { name: /09:15.*missed.*run sync-1 was still at work/ }).waitFor();
    await times.getByRole('row', { name: /09:30.*skipped.*a run of it was still waiting/ }).waitFor();
    await times.getByRole('row', { name: /09:00.*late: began .* after its time/ }).waitFor();
    await times.getByText('2026-03-28 08:15 in UTC').waitFor();
    // What is open is in the address, so that it can be passed on.
    await page.reload();
    await times.getByRole('link', { name: 'sync-1' }).first().click();
    await page.waitForURL(/\/runs\/sync-1$/);
    await page.goBack();
    await times.getByRole('button', { name: 'close' }).click();
    await times.waitFor({ state: 'detached' });
    await closed(page);
  });

  test('a week by its days, with the day on which clocks are set marked, for the reader and for the schedule', async () => {
    const page = await browser.open(`${stage.server.url}/schedule`, { timezoneId: 'Europe/Berlin' });
    // Its week is that of the daemon's clock, which is known with the first answer.
    await page.getByText('Sat 28 Mar 2026').waitFor();
    await page.getByRole('link', { name: 'week', exact: true }).click();
    await page.getByText('Mon 23 Mar to Sun 29 Mar').waitFor();
    await page
      .getByRole('columnheader', { name: /Sun 29 Mar/ })
      .getByRole('img', { name: 'the clocks are set here in Europe/Berlin' })
      .waitFor();
    await cell(page, 'sync, Sun 29 Mar: 92 to come').waitFor();
    await page.getByRole('link', { name: 'next week' }).click();
    await page.getByText('Mon 30 Mar to Sun 5 Apr').waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Sun 29 Mar' }).click();
    await page.getByText('Sun 29 Mar 2026').waitFor();
    await cell(page, 'sync, Sun 29 Mar 03:00 to 04:00: 4 to come').waitFor();
    // Its name, and 23 hours.
    assert.is(await page.getByRole('columnheader').count(), 24);
    await page.getByRole('link', { name: 'today' }).click();
    await page.getByText('Sat 28 Mar 2026').waitFor();
    // Somebody in a zone whose clocks are not set then sees it at the schedule that it is about.
    await page.context().close();
    const elsewhere = await browser.open(`${stage.server.url}/schedule?from=2026-03-29`, { timezoneId: 'Asia/Kolkata' });
    await cell(elsewhere, 'night, Sun 29 Mar 06:00 to 07:00: 1 to come, paused').waitFor();
    await elsewhere.getByRole('row', { name: /night/ }).getByRole('img', { name: 'the clocks are set here in Europe/Berlin' }).waitFor();
    await cell(elsewhere, /^night/).click();
    const times = elsewhere.getByRole('region', { name: /^times of night/ });
    await times.getByText('2026-03-29 03:00 in Europe/Berlin').waitFor();
    await times.getByText('clocks are set that day in Europe/Berlin').waitFor();
    await times.getByText('paused: what is to come is left out until it is resumed').waitFor();
    await closed(elsewhere);
  });

  test('all of it by the keyboard: one stop for the cells, the arrows within, Enter opens', async () => {
    const page = await browser.open(`${stage.server.url}/schedule`, { timezoneId: 'UTC' });
    await cell(page, /^sync, Sat 28 Mar 08:00/).waitFor();
    const focused = (): Promise<string> => page.evaluate("document.activeElement?.getAttribute('aria-label') ?? ''");
    for (let n = 0; n < 30 && !(await focused()).startsWith('sync'); n += 1) await page.keyboard.press('Tab');
    assert.match(await focused(), /^sync, Sat 28 Mar 09:00 to 10:00/);
    await page.keyboard.press('ArrowLeft');
    assert.match(await focused(), /^sync, Sat 28 Mar 08:00 to 09:00/);
    await page.keyboard.press('Enter');
    await page
      .getByRole('region', { name: /^times of sync/ })
      .getByText('missed')
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'close' }).press('Enter');
    await page.getByRole('region', { name: /^times of sync/ }).waitFor({ state: 'detached' });
    assert.match(await focused(), /^sync, Sat 28 Mar 08:00 to 09:00/);
    await page.keyboard.press('End');
    assert.match(await focused(), /^sync, Sat 28 Mar 23:00 to 00:00: 4 to come/);
    await closed(page);
  });

  test('is narrowed to what needs a look and to a name, both in the address; many lines are drawn as they are come to', async () => {
    const others = Array.from({ length: 120 }, (_, n) => pipelineOf(`other_${n}`, ['users'], { schedules: [at('0 * * * *', 'UTC')] }));
    config = configOf([tableOf('users')], [sync, night, ...others]);
    const page = await browser.open(`${stage.server.url}/schedule`, { timezoneId: 'UTC' });
    const drawn = (): Promise<number> => page.getByRole('rowheader').count();
    await page.getByText(/\d+ more/).waitFor();
    assert.ok((await drawn()) < 100, String(await drawn()));
    await page.getByLabel('search pipelines').fill('OTHER_11');
    await page.getByRole('link', { name: 'other_119' }).waitFor();
    assert.is(await drawn(), 11);
    assert.match(page.url(), /search=OTHER_11/);
    await page.getByLabel('search pipelines').fill('');
    await page.getByLabel('only what needs a look').check();
    await page.getByRole('link', { name: 'other_0', exact: true }).waitFor({ state: 'detached' });
    assert.is(await drawn(), 1);
    await page.goto(`${stage.server.url}/schedule?show=attention&search=night`);
    await page.getByText('Nothing needs a look here').waitFor();
    await closed(page);
  });

  test('says what to write where no pipeline has a schedule, and fits on a phone', async () => {
    config = configOf([tableOf('users')], [pipelineOf('by-hand', ['users'])]);
    const page = await browser.open(`${stage.server.url}/schedule`, { viewport: { width: 390, height: 844 } });
    await page.getByText('No pipeline has a schedule').waitFor();
    config = configOf([tableOf('users')], [sync, night]);
    await page.reload();
    await cell(page, /^sync, Sat 28 Mar 08:00/).waitFor();
    assert.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'));
    await closed(page);
  });
});
