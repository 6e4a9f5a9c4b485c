import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { EventBody } from '../../engine/event.ts';
import type { Problem } from '../../engine/problem.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { createTableStage } from '../engine/serve/table-stage.ts';
import type { TestBrowser } from '../support/browser.ts';
import { projectRoot } from '../support/build.ts';
import { waitUntil } from '../support/wait.ts';
import { runEvents, runNodes, runPlan } from './run-events.ts';

/** A page with something on it. */
export interface ShownPage {
  readonly name: string;
  readonly path: string;
  /** A selector of what is there once the page is whole. */
  readonly whole: string;
  /** Pressed then. */
  readonly key?: string;
  /** Clicked then, the first of each. */
  readonly opens?: readonly string[];
  /** True for one that is on the stage of tables, which has a lake. */
  readonly ofTables?: true;
}

/** Every page that there is, on the stages of `openStages`; whoever adds one adds it here. */
export const everyPage: readonly ShownPage[] = [
  { name: 'overview', path: '/', whole: '.bars a' },
  { name: 'runs', path: '/runs', whole: 'table.rows td a' },
  { name: 'run that failed', path: '/runs/full-2', whole: '.log-line' },
  { name: 'run that succeeded', path: '/runs/full-1', whole: '.log-line' },
  {
    name: 'run with all of it open',
    path: '/runs/full-4?show=plan&node=extract+users',
    whole: '.planned .opener',
    opens: ['.nodes .opener', '.dbt .opener', '.planned .opener'],
  },
  { name: 'pipeline', path: '/pipelines/sync?plan=now', whole: '.run-grid a' },
  {
    name: 'pipeline with a plan in full',
    path: '/pipelines/sync?plan=full&tables=users',
    whole: '.plan .opener',
    opens: ['.plan .opener', '.graph-table button', '.head .acts button'],
  },
  { name: 'tables', path: '/tables', whole: 'table.rows th a' },
  { name: 'table', path: '/tables/users', whole: 'section[aria-label="what became of it"] td a' },
  {
    name: 'table with a version and its latest rows',
    path: '/tables/users?version=3',
    whole: '.version table',
    opens: ['section[aria-label="latest rows"] button'],
    ofTables: true,
  },
  { name: 'schedule by the hour', path: '/schedule', whole: '.fires-cell' },
  { name: 'schedule by the day', path: '/schedule?view=week', whole: '.fires-cell' },
  { name: 'schedule with its times open', path: '/schedule', whole: '.fires-cell', opens: ['.fires-cell'] },
  { name: 'audit', path: '/audit', whole: 'table.rows td' },
  { name: 'settings', path: '/settings', whole: 'table.rows th' },
  {
    name: 'settings with health and file',
    path: '/settings',
    whole: '.places .place-state',
    opens: ['.checks-look .acts button', '.act-panel .strong', 'section[aria-label="configuration"] button'],
  },
  { name: 'search', path: '/', whole: '.bars a', key: '/' },
  { name: 'keys', path: '/', whole: '.bars a', key: '?' },
  { name: 'nothing there', path: '/nowhere', whole: '.empty' },
];

const error = {
  code: 'postgres.locked',
  trouble: 'outside',
  message: 'staging.users is locked by pid 812',
  hint: 'Wait.',
  retryable: true,
} as const;
const succeeded: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'log', level: 'info', node: 'extract users', text: 'reads from 02:05' },
  {
    type: 'node.succeeded',
    node: 'extract users',
    result: { summary: '9 rows', rows: 9, bytes: 1_200, facts: { fence: '2026-01-31T09:00:00Z', version: 0 } },
  },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'node.succeeded', node: 'load users', result: { summary: '9 new', rows: 9, facts: { lakeVersion: 0 } } },
  { type: 'run.succeeded' },
];
const failed: readonly EventBody[] = [
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'node.retrying', node: 'extract users', attempt: 1, delayMs: 10, error },
  { type: 'node.started', node: 'extract users', attempt: 2 },
  { type: 'log', level: 'warn', node: 'extract users', text: 'slow' },
  { type: 'node.failed', node: 'extract users', error },
  { type: 'node.skipped', node: 'load users', because: 'extract users' },
  { type: 'run.failed', error },
];

/** A stage with something on every page: runs of each end, one at work, problems, something that waits. */
export async function createFullStage(): Promise<Stage> {
  const problems: readonly Problem[] = [
    {
      key: 'failed:sync',
      kind: 'failed',
      severity: 'error',
      pipeline: 'sync',
      runId: 'full-2',
      since: new Date(Date.now() - 600_000).toISOString(),
      text: 'extract users: staging.users is locked by pid 812',
      hint: 'Wait, then `engine retry full-2`.',
    },
    {
      key: 'stale:users',
      kind: 'stale',
      severity: 'warning',
      table: 'users',
      since: new Date(Date.now() - 1_200_000).toISOString(),
      text: '31 min behind its limit of 15 min',
      hint: 'See `engine why sync`.',
    },
  ];
  const stage = await createStage({ uiFolder: join(projectRoot, 'dist', 'ui'), problems: async () => problems, plan: async () => runPlan });
  await stage.keepRun('full-1', 'sync', succeeded);
  await stage.keepRun('full-2', 'sync', failed);
  await stage.keepRun('full-3', 'nightly', [{ type: 'node.started', node: 'extract users', attempt: 1 }], { mode: 'full' });
  await stage.keepRun('full-4', 'sync', runEvents, { nodes: runNodes });
  await stage.ask('/api/v1/pipelines/sync/runs', { method: 'POST' });
  return stage;
}

/** The stages that every page is on. */
export interface Stages {
  /** Opens a page, whole, with all open that is to be. */
  open(browser: TestBrowser, shown: ShownPage, options?: BrowserContextOptions): Promise<Page>;
  close(): Promise<void>;
}

export async function openStages(): Promise<Stages> {
  const full = await createFullStage();
  const tables = await createTableStage({ uiFolder: join(projectRoot, 'dist', 'ui') });
  return {
    async open(browser, { path, whole, key, opens = [], ofTables }, options) {
      const page = await browser.open(`${(ofTables ? tables.stage : full).server.url}${path}`, options);
      await page.locator(whole).first().waitFor();
      // What comes later moves what is there.
      await waitUntil(async () => (await page.locator('main .waiting').count()) === 0, `all of ${path} to be there`);
      if (key !== undefined) {
        await page.keyboard.press(key);
        await page.locator('dialog').waitFor();
      }
      for (const opener of opens) await page.locator(opener).first().click();
      if (opens.length > 0) await page.waitForLoadState('networkidle');
      return page;
    },
    async close() {
      await tables.close();
      await full.close();
    },
  };
}
