import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** A real browser, and everything in its pages that went wrong. */
export interface TestBrowser {
  /** A page of a reader of its own; times are in that zone (UTC unless told). */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Errors on the console, refused by the security policy, scripts that threw, requests that failed or were answered with 400 and above. */
  readonly wrong: string[];
  close(): Promise<void>;
}

/** The path of Chromium: `CHROMIUM`, or what is on the PATH; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const { CHROMIUM: named, PATH = '' } = process.env;
  if (named !== undefined && named !== '') return named;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return PATH.split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** Why a test of the page is skipped where `chromiumPath` finds none. */
export const noChromium = 'no Chromium on the PATH, and CHROMIUM names none (apt-get install chromium)';

export async function startBrowser(executablePath: string): Promise<TestBrowser> {
  // Chromium refuses its sandbox to root; what it is shown here is this project's own page.
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  const wrong: string[] = [];
  return {
    wrong,
    async open(url, options = {}) {
      const context = await browser.newContext({ timezoneId: 'UTC', viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      await page.addInitScript(
        "document.addEventListener('securitypolicyviolation', (e) => console.error('refused by policy: ' + e.violatedDirective + ' ' + e.blockedURI))",
      );
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') wrong.push(`console: ${message.text()}`);
      });
      page.on('pageerror', (error) => wrong.push(`thrown: ${error.message}`));
      page.on('requestfailed', (request) => {
        // A page that is left ends what it asked for.
        if (request.failure()?.errorText !== 'net::ERR_ABORTED') wrong.push(`${request.failure()?.errorText}: ${request.url()}`);
      });
      page.on('response', (response) => {
        if (response.status() >= 400) wrong.push(`${response.status()}: ${response.request().method()} ${response.url()}`);
      });
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
}
