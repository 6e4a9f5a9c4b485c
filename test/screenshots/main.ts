import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { chromiumPath, noChromium, startBrowser } from '../support/browser.ts';
import { projectRoot } from '../support/build.ts';
import { makeWorld, type World } from './world.ts';

/** Writes the pictures of README and docs to docs/images: each page in both themes, from real runs. `npm run screenshots`. */
const images = join(projectRoot, 'docs', 'images');

interface Picture {
  readonly name: string;
  path(world: World): string;
  /** Makes it show what it should. */
  ready(page: Page): Promise<unknown>;
  readonly height?: number;
}

const pictures: readonly Picture[] = [
  {
    name: 'overview',
    path: () => '/',
    ready: (page) =>
      page
        .getByRole('link', { name: /^run: failed/ })
        .first()
        .waitFor(),
  },
  {
    name: 'run',
    path: ({ failed }) => `/runs/${failed}`,
    ready: (page) => page.locator('.head-state', { hasText: 'failed' }).waitFor(),
  },
  {
    name: 'pipeline',
    path: () => '/pipelines/incremental_transactions',
    ready: (page) => page.getByRole('region', { name: 'next' }).waitFor(),
  },
  {
    name: 'table',
    path: () => '/tables/transactions',
    ready: (page) => page.getByRole('heading', { name: 'transactions', level: 1 }).waitFor(),
  },
  { name: 'schedule', path: () => '/schedule', ready: (page) => page.getByRole('row').first().waitFor(), height: 420 },
  { name: 'audit', path: () => '/audit', ready: (page) => page.getByRole('row').nth(5).waitFor(), height: 560 },
  {
    name: 'settings',
    height: 410,
    path: () => '/settings',
    ready: async (page) => {
      await page.getByRole('button', { name: 'look whether everything can be reached' }).click();
      await page.getByRole('button', { name: 'look now', exact: true }).last().click();
      await page
        .getByText(/that a run would fail on/)
        .first()
        .waitFor();
    },
  },
];

const chromium = chromiumPath();
if (chromium === undefined) throw new Error(noChromium);
mkdirSync(images, { recursive: true });
const tell = (text: string): void => void process.stderr.write(`${text}\n`);
const world = await makeWorld(tell);
const browser = await startBrowser(chromium);
try {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const { name, path, ready, height = 900 } of pictures) {
      const page = await browser.open(world.url + path(world), { colorScheme, viewport: { width: 1280, height } });
      await ready(page);
      await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined);
      await page.screenshot({ path: join(images, `${name}-${colorScheme}.png`) });
      await page.context().close();
      tell(`docs/images/${name}-${colorScheme}.png`);
    }
  if (browser.wrong.length > 0) throw new Error(browser.wrong.join('\n'));
} finally {
  await browser.close();
  await world.close();
}
