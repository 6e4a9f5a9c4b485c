import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Overview } from '../../engine/api-overview.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { builtAssets, ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();
const pipelines = 200;
const runsEach = 30;
const names = Array.from({ length: pipelines }, (_, i) => `p${String(i).padStart(4, '0')}`);
/** Characters, before it is compressed. */
const mostAnswer = 900_000;
const mostInLine = 45;
const laterRuns = 12;
/** Bytes: with elements that hold on to what was drawn before it is two million, without them a hundred thousand. */
const mostGrown = 700_000;
const built = join(projectRoot, 'dist', 'ui');

/** Of each pipeline thirty runs, an extract and a load in each. */
async function fill({ database }: Stage): Promise<void> {
  const client = await database.client();
  await client.query('SET search_path = engine');
  await client.query(
    `INSERT INTO runs (run_id, pipeline, mode, state, started_at, ended_at, host, pid, trigger)
     SELECT 'RUN' || lpad(((i - 1) * 100 + s)::text, 23, '0'), name, 'incremental', CASE WHEN s % 7 = 0 THEN 'failed' ELSE 'succeeded' END,
            now() - (31 - s) * interval '1 hour', now() - (31 - s) * interval '1 hour' + s * interval '1 second', 'host', 1, 'schedule'
     FROM unnest($1::text[]) WITH ORDINALITY p (name, i), generate_series(1, $2::integer) s`,
    [names, runsEach],
  );
  await client.query(
    `INSERT INTO nodes (run_id, node, pipeline, type, table_name, state, attempts, started_at, ended_at, rows, bytes, lake_version, result)
     SELECT run_id, verb || ' ' || pipeline, pipeline, 'postgres.' || verb, pipeline, 'succeeded', 1, started_at, ended_at, 1000, 60000, 1,
            json_build_object('summary', '1,000 rows', 'rows', 1000, 'facts', json_build_object('fence', started_at))
     FROM runs, unnest(ARRAY['extract', 'load']) verb`,
  );
  await client.end();
}

suite('the page, built', ({ test, before }) => {
  before(ensureBuilt);

  test('is under 350 kB compressed, all that it may ever load', () => {
    const assets = builtAssets().filter((name) => name.endsWith('.gz'));
    // The shell's own, and the chart, which it fetches later: one of each, not those of the build before.
    for (const part of [/^index-.+\.js/, /^index-.+\.css/, /^chart-.+\.js/, /^chart-.+\.css/])
      assert.is(assets.filter((name) => part.test(name)).length, 1, `${part} in ${assets.join(', ')}`);
    const bytes = [...assets.map((name) => join(built, 'assets', name)), join(built, 'index.html')].reduce(
      (sum, file) => sum + statSync(file).size,
      0,
    );
    assert.ok(bytes < 350_000, `${bytes} bytes`);
  });
});

suite('the overview of 200 pipelines', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  before(async () => {
    await ensureBuilt();
    const config = configOf(
      names.map((name) => tableOf(name)),
      names.map((name) => pipelineOf(name, [name])),
    );
    stage = await createStage({ config: async () => config, uiFolder: built });
    await fill(stage);
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const open = async (): Promise<Page> => {
    const page = await browser.open(stage.server.url);
    await page.locator('.bars a').first().waitFor();
    return page;
  };
  const closed = async (page: Page): Promise<void> => {
    await page.context().close();
    assert.equal(browser.wrong.splice(0), []);
  };

  test('is a short answer', async () => {
    const { text, body } = await stage.ask<Overview>('/api/v1/overview');
    assert.equal([body.pipelines.length, body.pipelines[7]?.runs.length, body.tables.length], [pipelines, runsEach, pipelines]);
    assert.ok(text.length < mostAnswer, `${text.length} characters`);
  });

  test('draws a line in few elements, and each bar as a link once somebody comes near it', async () => {
    const page = await open();
    const lines = page.locator('main tbody tr');
    await lines.nth(2 * pipelines - 1).waitFor({ state: 'attached' });
    const elements = await page.locator('main *').count();
    assert.ok(elements < 2 * pipelines * mostInLine, `${elements} elements for ${2 * pipelines} lines`);
    const bars = page.locator('.bars').first();
    assert.is(await bars.locator('a').count(), 1);
    assert.is(await bars.locator('title').first().textContent(), 'the last 30 runs: 26 succeeded, 4 failed');
    await bars.locator('a').focus();
    await page.keyboard.press('ArrowLeft');
    assert.is(await bars.locator('a').count(), runsEach);
    assert.match(await page.evaluate('document.activeElement.getAttribute("href")'), /^\/runs\/RUN0*29$/);
    await page.keyboard.press('ArrowRight');
    assert.match(await page.evaluate('document.activeElement.getAttribute("href")'), /^\/runs\/RUN0*30$/);
    const other = page.locator('.bars').nth(3);
    assert.is(await other.locator('a').count(), 1);
    await other.hover();
    await other.locator('a').nth(5).waitFor();
    assert.match((await other.locator('a').nth(5).getAttribute('href')) ?? '', /^\/runs\/RUN0*306$/);
    await closed(page);
  });

  test('lets go of what it has drawn before: runs go by, and it does not grow', async () => {
    const page = await open();
    await page
      .locator('main tbody tr')
      .nth(2 * pipelines - 1)
      .waitFor({ state: 'attached' });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('HeapProfiler.enable');
    const heap = async (): Promise<number> => {
      for (let i = 0; i < 3; i += 1) await devtools.send('HeapProfiler.collectGarbage');
      return (await devtools.send('Runtime.getHeapUsage')).usedSize;
    };
    const changes = async (from: number, to: number): Promise<void> => {
      for (const name of names.slice(from, to)) {
        const runId = `LATER-${name}`;
        await stage.keepRun(runId, name, [{ type: 'run.succeeded' }]);
        await page.locator(`tr a[href="/runs/${runId}"]`).first().waitFor({ state: 'attached' });
      }
    };
    await changes(0, 4);
    const early = await heap();
    await changes(4, 4 + laterRuns);
    const grown = (await heap()) - early;
    assert.ok(grown < mostGrown, `${grown} bytes for ${laterRuns} runs`);
    await closed(page);
  });
});
