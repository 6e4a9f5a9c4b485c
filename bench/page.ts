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
    const none = ['-', '-'];
    const rows = [['', `first visits, median of ${colds}`, 'most', `again, median of ${visits}`, 'most']];
    rows.push(['first paint of the overview, cold', ms(median(paints)), ms(Math.max(...paints)), ...none]);
    rows.push([`its ${many.pipelines} lines there, bars drawn`, ms(median(filled)), ms(Math.max(...filled)), ...none]);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const here = await context.newPage();
    await elsewhere(here, base);
    for (const { name, pathOf, whole } of places(many)) {
      const first: number[] = [];
      for (let i = 0; i < colds; i += 1) {
        // Nothing of any page is in its memory but what the bar above all of them shows.
        const fresh = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        const opened = await fresh.newPage();
        await elsewhere(opened, base);
        first.push(await go(opened, pathOf(i), whole));
        await fresh.close();
      }
      const again: number[] = [];
      await go(here, pathOf(0), whole);
      for (let i = 0; i < visits; i += 1) {
        await go(here, '/nowhere', ['.empty']);
        again.push(await go(here, pathOf(0), whole));
      }
      rows.push([`going to ${name}`, ms(median(first)), ms(Math.max(...first)), ms(median(again)), ms(Math.max(...again))]);
    }
    const found: number[] = [];
    for (let i = 0; i < visits; i += 1) found.push(await searches(here, many));
    rows.push(['a search, from its key to what it found', ...none, ms(median(found)), ms(Math.max(...found))]);
    sayTable(rows);
    await scrolls(here, base, client);
    await leftOpen(here, base, client, many, openMinutes);
  } finally {
    await browser.close();
  }
}

interface Place {
  readonly name: string;
  /** Of the visit with that number from 0: another address each time where there are many of the kind. */
  pathOf(visit: number): string;
  /** Selectors of what is there once the page is whole. */
  readonly whole: readonly string[];
}

/** Every kind of page that there is. */
function places({ pipelines, runs }: ManyRuns): readonly Place[] {
  const names = namesOf(pipelines);
  const nameOf = (visit: number): string => names[(7 + visit * 13) % pipelines] ?? '';
  const only = (path: string, ...whole: readonly string[]): Place => ({ name: path, pathOf: () => path, whole });
  return [
    only('/', '.bars a', '.freshness tbody tr'),
    only('/runs', 'table.rows td a.name'),
    {
      name: 'a run',
      pathOf: (visit) => `/runs/${runIdOf(Math.max(1, runs - 1 - visit * 997))}`,
      whole: ['.nodes .node-bars', '.log-line'],
    },
    {
      name: 'a pipeline',
      pathOf: (visit) => `/pipelines/${nameOf(visit)}`,
      whole: ['.graph-node', '.run-grid a', 'section[aria-label="runs"] tbody tr'],
    },
    only('/tables', 'table.rows th a'),
    { name: 'a table', pathOf: (visit) => `/tables/${nameOf(visit)}`, whole: ['.stages .stage', '.charts canvas'] },
    only('/schedule', '.fires-cell'),
    only('/audit', 'section[aria-label="actions"] tbody tr', 'section:not([aria-label="actions"]) tbody tr'),
    only('/settings', 'table.rows th'),
  ];
}

/** Opens the page at an address that asks for nothing of its own. */
async function elsewhere(here: Page, base: string): Promise<void> {
  await here.goto(`${base}/nowhere`);
  await here.locator('.leader .name').first().waitFor();
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
    .getByText(/^100,\d\d\d messages$/)
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
