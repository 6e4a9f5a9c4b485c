import type pg from 'pg';
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { chromiumPath, noChromium } from '../test/support/browser.ts';
import { median, megabytes, say, sayTable } from './figures.ts';
import { type ManyRuns, namesOf, recordRun, runIdOf } from './many-runs.ts';

const colds = 7;
const visits = 7;
const longLog = 100_000;
const perFrameMs = 1_000 / 60;

/** What a reader waits for in a real browser, and what the page holds after minutes of runs. `newRuns` seconds apart while it is left open. */
export async function page(base: string, client: pg.Client, many: ManyRuns, openMinutes: number): Promise<void> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    say(`\nthe page is not measured: ${noChromium}`);
    return;
  }
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  try {
    const paints: number[] = [];
    const filled: number[] = [];
    for (let i = 0; i < colds; i += 1) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const opened = await context.newPage();
      await opened.goto(base);
      await opened.locator('.bars a').first().waitFor();
      const [paint, done] = (await opened.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, performance.now()]",
      )) as [number, number];
      paints.push(paint);
      filled.push(done);
      await context.close();
    }
    const rows = [['', `median of ${colds}`, 'most']];
    rows.push(['first paint of the overview, cold', ms(median(paints)), ms(Math.max(...paints))]);
    rows.push([`its ${many.pipelines} lines there, bars drawn`, ms(median(filled)), ms(Math.max(...filled))]);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const here = await context.newPage();
    await here.goto(base);
    await here.locator('.bars a').first().waitFor();
    const places: readonly (readonly [string, ...string[]])[] = [
      ['/', '.bars a', '.freshness tbody tr'],
      ['/runs', 'table.rows td a.name'],
      [`/runs/${runIdOf(many.runs - 1)}`, '.nodes .bar, .nodes svg', '.log-line'],
      ['/pipelines/p0007', '.graph-node', '.run-grid a', 'table.rows tbody tr'],
      ['/tables', 'table.rows th a'],
      ['/tables/p0007', '.stages .stage', '.charts canvas'],
      ['/schedule', '.fires-cell'],
      ['/audit', 'section[aria-label="actions"] tbody tr', 'section:not([aria-label="actions"]) tbody tr'],
      ['/settings', 'table.rows th'],
    ];
    for (const [path, ...whole] of places) {
      const times: number[] = [];
      for (let i = 0; i < visits; i += 1) {
        await go(here, '/nowhere', ['.empty']);
        times.push(await go(here, path, whole));
      }
      rows.push([`going to ${path}`, ms(median(times)), ms(Math.max(...times))]);
    }
    const found: number[] = [];
    for (let i = 0; i < visits; i += 1) found.push(await searches(here, many));
    rows.push(['a search, from its key to what it found', ms(median(found)), ms(Math.max(...found))]);
    sayTable(rows);
    await scrolls(here, base, client);
    await leftOpen(here, base, client, many, openMinutes);
  } finally {
    await browser.close();
  }
}

/** Follows a link within the page; the time until each of these is drawn there and nothing is waited for. */
async function go(here: Page, path: string, whole: readonly string[]): Promise<number> {
  return (await here.evaluate(
    `new Promise((resolve, reject) => {
      const began = performance.now();
      const link = document.createElement('a');
      link.href = ${JSON.stringify(path)};
      document.body.append(link);
      link.click();
      link.remove();
      const main = document.querySelector('main');
      const missing = () => ${JSON.stringify(whole)}.filter((each) => main.querySelector(each) === null);
      const look = () => {
        if (performance.now() - began > 20000) reject(new Error('not at ' + ${JSON.stringify(path)} + ': ' + missing().join(', ') + '; ' + main.textContent.slice(0, 300)));
        else if (missing().length > 0 || main.querySelector('.waiting') !== null) requestAnimationFrame(look);
        else requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
      };
      requestAnimationFrame(look);
    })`,
  )) as number;
}

/** Types the name of a pipeline into the search; the time from the key that opens it until the first is found. */
async function searches(here: Page, { pipelines }: ManyRuns): Promise<number> {
  const name = namesOf(pipelines).at(-1) ?? '';
  await go(here, '/nowhere', ['.empty']);
  const began = performance.now();
  await here.keyboard.press('/');
  await here.locator('.search-typed').fill(name);
  await here.locator('.search-found [role=option]').filter({ hasText: name }).first().waitFor();
  const took = performance.now() - began;
  await here.keyboard.press('Escape');
  return took;
}

/** A log of a hundred thousand lines from its top to its end in a hundred steps. */
async function scrolls(here: Page, base: string, client: pg.Client): Promise<void> {
  const runId = 'RUN-LONG-LOG';
  await recordRun(client, runId, 'p0001', longLog);
  await here.goto(`${base}/runs/${runId}`);
  await here
    .getByText(`${longLog.toLocaleString('en-US')} line`)
    .or(here.getByText(/^100,\d\d\d lines/))
    .first()
    .waitFor({ timeout: 120_000 });
  const frames = (await here.evaluate(
    `new Promise((resolve) => {
      const box = document.querySelector('.log-lines');
      box.scrollTop = 0;
      const frames = [];
      let last = performance.now();
      let step = 0;
      const next = (now) => {
        frames.push(now - last);
        last = now;
        step += 1;
        if (step > 200) resolve(frames.slice(1));
        else {
          box.scrollTop = (step / 200) * box.scrollHeight;
          requestAnimationFrame(next);
        }
      };
      requestAnimationFrame(next);
    })`,
  )) as number[];
  const late = frames.filter((time) => time > 2 * perFrameMs).length;
  say(
    `\nscrolling ${longLog} lines of a log: median frame ${ms(median(frames))}, longest ${ms(Math.max(...frames))}, ${late} of ${frames.length} late`,
  );
}

/** The overview left open while runs are recorded, one each second. */
async function leftOpen(here: Page, base: string, client: pg.Client, many: ManyRuns, minutes: number): Promise<void> {
  await here.goto(base);
  await here.locator('.bars a').first().waitFor();
  const devtools = await here.context().newCDPSession(here);
  let recorded = 0;
  const record = async (forMs: number): Promise<void> => {
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      recorded += 1;
      await recordRun(
        client,
        `RUN-OPEN-${String(recorded).padStart(8, '0')}`,
        `p${String(recorded % many.pipelines).padStart(4, '0')}`,
        40,
      );
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  };
  // What is loaded once and kept is no growth.
  await record(20_000);
  const before = await heap(devtools);
  await record(minutes * 60_000);
  const after = await heap(devtools);
  say(
    `\nthe overview left open for ${minutes} min, ${recorded} runs recorded: heap ${megabytes(before)} before, ${megabytes(after)} after, ${((after - before) / 1e6).toFixed(1)} MB more`,
  );
}

/** Of JavaScript, in bytes, after everything that nobody holds is gone. */
async function heap(devtools: CDPSession): Promise<number> {
  await devtools.send('HeapProfiler.enable');
  for (let i = 0; i < 3; i += 1) await devtools.send('HeapProfiler.collectGarbage');
  return (await devtools.send('Runtime.getHeapUsage')).usedSize;
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`;
}
