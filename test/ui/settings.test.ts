import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Queued } from '../../engine/api.ts';
import type { ConfigPage } from '../../engine/api-settings.ts';
import { EngineError } from '../../engine/error.ts';
import type { Problem } from '../../engine/problem.ts';
import { createStage, type Stage } from '../engine/serve/stage.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../support/browser.ts';
import { ensureBuilt, projectRoot } from '../support/build.ts';
import { configOf, pipelineOf, tableOf } from '../support/config.ts';
import { suite } from '../support/suite.ts';

const chromium = chromiumPath();
const file = '/project/pipelines.yaml';
const lines = [
  'version: 1',
  ...Array.from({ length: 20 }, (_, n) => `# ${n}`),
  'pipelines:',
  '  sync: { tables: [users], shedule: "x" }',
  '  other: { tables: [users] }',
];
const inForce: Omit<ConfigPage, 'at' | 'takenAt' | 'refused'> = { file, inForce: true, lines, findings: [], unreadable: undefined };

suite('settings and audit in a browser', ({ test, before, after, skip }) => {
  if (chromium === undefined) return skip('all of it', noChromium);
  let stage: Stage;
  let browser: TestBrowser;
  let standing: Pick<ConfigPage, 'takenAt' | 'refused'> = { takenAt: '2026-01-31T09:00:00.000Z', refused: undefined };
  let view = inForce;
  const sent: string[] = [];

  before(async () => {
    await ensureBuilt();
    stage = await createStage({
      uiFolder: join(projectRoot, 'dist', 'ui'),
      config: async () =>
        configOf(
          [tableOf('users')],
          [
            pipelineOf('sync', ['users'], {
              alerts: { lateAfterMs: undefined, freshnessMs: undefined, heldForMs: undefined, to: ['ops'] },
            }),
          ],
          {
            sources: { production: { name: 'production', type: 'postgres', url: 'postgres://app:s3cr3t-source@db.example/shop' } },
            alerts: {
              channels: {
                ops: { type: 'slack', name: 'ops', url: 'https://hooks.example/s3cr3t-hook' },
                broken: { type: 'webhook', name: 'broken', url: 'https://hooks.example/s3cr3t-hook', headers: {} },
              },
              off: ['mute'],
              heartbeat: undefined,
            },
          },
        ),
      settings: {
        standing: () => standing,
        file: async () => view,
        doctor: async () => [
          { part: 'source production', subject: 'connection', outcome: 'ok', message: 'reached' },
          { part: 'source production', subject: 'users', outcome: 'warn', message: 'no index on `updated_at`', hint: 'CREATE INDEX' },
          { part: 'sink warehouse', subject: 'connection', outcome: 'fail', message: 'refused', hint: 'Start it.' },
        ],
        testChannel: async (_config, name) => {
          if (name === 'broken') throw new EngineError('outside', 'alarm.not-sent', 'hooks.example answered 404');
          sent.push(name);
        },
      },
    });
    browser = await startBrowser(chromium);
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });
  const closed = async (page: Page, expected = /^$/): Promise<void> => {
    await page.context().close();
    assert.equal(
      browser.wrong.splice(0).filter((line) => !expected.test(line)),
      [],
    );
  };
  const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

  test('what is in force is there without a secret, and a channel is tested after it was said what that does', async () => {
    const page = await browser.open(`${stage.server.url}/settings`);
    await region(page, 'connections').getByText('db.example/shop').waitFor();
    await region(page, 'configuration').getByText('No findings.').waitFor();
    assert.not.match(await page.content(), /s3cr3t/);
    const alerts = region(page, 'alerts');
    await alerts.getByText('off: nothing is sent there').waitFor();
    await alerts.getByRole('button', { name: 'send a test to ops' }).click();
    await alerts.getByText('It cannot be taken back.').waitFor();
    assert.equal(sent, []);
    await alerts.getByRole('button', { name: 'send it' }).click();
    await alerts.getByText('ops took it.').waitFor();
    assert.equal(sent, ['ops']);
    await alerts.getByRole('button', { name: 'send a test to broken' }).click();
    await alerts.getByRole('region', { name: 'send a test to broken' }).getByRole('button', { name: 'send it' }).click();
    await alerts.getByText('broken did not take it: hooks.example answered 404').waitFor();
    await alerts.getByRole('link', { name: 'sync' }).click();
    await page.waitForURL(/\/pipelines\/sync$/);
    await closed(page, /503/);
  });

  test('health is looked at when somebody asks, grouped by what was looked at, with what to do; it is there for the next reader', async () => {
    const page = await browser.open(`${stage.server.url}/settings`);
    const health = region(page, 'health');
    await health.getByText('Nobody has looked yet').waitFor();
    await health.getByRole('button', { name: 'look whether everything can be reached' }).click();
    await health.getByText('It only reads.').waitFor();
    await region(page, 'health').getByRole('button', { name: 'look now', exact: true }).last().click();
    await health.getByText('1 ok, 1 to look at, 1 that a run would fail on.').first().waitFor();
    await health.getByRole('row', { name: /fails.*connection: refused.*Start it\./ }).waitFor();
    await page.reload();
    await health.getByRole('row', { name: /to look at.*no index on updated_at/ }).waitFor();
    await closed(page);
  });

  test('a file that is not taken says since when and why, with each finding at its line', async () => {
    standing = { takenAt: '2026-01-31T09:00:00.000Z', refused: { at: '2026-01-31T10:00:00.000Z', why: 'it has findings' } };
    view = {
      ...inForce,
      inForce: false,
      findings: [
        {
          severity: 'error',
          code: 'config.unknown-key',
          message: 'there is no key `shedule`',
          hint: 'Did you mean `schedule`?',
          file: 'pipelines.yaml',
          line: 23,
          column: 28,
          length: 7,
        },
        {
          severity: 'error',
          code: 'config.env-line',
          message: 'this line sets nothing',
          file: '.env',
          line: 2,
          column: undefined,
          length: undefined,
        },
      ],
    };
    const page = await browser.open(`${stage.server.url}/settings`);
    const config = region(page, 'configuration');
    await config.getByText('not taken').waitFor();
    await config.getByText('.env:2').waitFor();
    const yaml = config.getByRole('region', { name: 'lines of pipelines.yaml' });
    const text = (await yaml.innerText()).split('\n');
    const at = text.findIndex((line) => line.includes('shedule'));
    assert.ok(at !== -1, text.join('\n'));
    // Under the key itself, by the same font.
    const under = await yaml.locator('.yaml-under').textContent();
    assert.is(under, `${' '.repeat(27)}~~~~~~~`);
    assert.is(lines[22]?.slice(27, 34), 'shedule');
    await yaml.getByText('Did you mean schedule?').waitFor();
    assert.is(await yaml.getByText('version: 1').count(), 0);
    await config.getByRole('button', { name: 'show the file' }).click();
    await yaml.getByText('version: 1').waitFor();
    standing = { takenAt: '2026-01-31T10:05:00.000Z', refused: undefined };
    view = inForce;
    await page.reload();
    await config.getByText('No findings.').waitFor();
    await closed(page);
  });

  test('a token is revoked after it was said what that does', async () => {
    await stage.makeToken('bert');
    const page = await browser.open(`${stage.server.url}/settings`);
    const tokens = region(page, 'tokens');
    await tokens.getByRole('button', { name: 'revoke the token bert' }).click();
    await tokens.getByText('It cannot be undone').waitFor();
    assert.is((await stage.access.tokens()).length, 1);
    await tokens.getByRole('button', { name: 'revoke it' }).click();
    await tokens.getByText('There is no token').waitFor();
    assert.is((await stage.access.tokens()).length, 0);
    await closed(page);
  });

  test('what was done is there with who did it, refused tries marked, found by what stands in the address', async () => {
    await stage.ask('/api/v1/pipelines/sync/pause', { method: 'POST' });
    await stage.ask('/api/v1/pipelines/nobody/pause', { method: 'POST' });
    await stage.keepRun('run-1', 'sync', [{ type: 'run.succeeded' }]);
    await stage.ask('/api/v1/runs/run-1/retry', { method: 'POST' });
    const page = await browser.open(`${stage.server.url}/audit`);
    const actions = region(page, 'actions');
    await actions.getByRole('row', { name: /local.*pause.*sync.*paused/ }).waitFor();
    await actions.getByRole('row', { name: /retry.*run-1.*refused: run run-1 succeeded/ }).waitFor();
    const { entry } = (await stage.ask<Queued>('/api/v1/pipelines/sync/runs', { method: 'POST' })).body;
    await stage.keepRun('asked-1', 'sync', [{ type: 'run.succeeded' }], { queued: entry.id, trigger: 'api' });
    await page.reload();
    await actions
      .getByRole('row', { name: /local.*run now.*sync.*succeeded asked-1/ })
      .getByRole('link', { name: 'asked-1' })
      .waitFor();
    await actions.getByLabel('pipeline').fill('sync');
    await actions.getByLabel('pipeline').press('Enter');
    await actions.getByRole('row', { name: /nobody/ }).waitFor({ state: 'detached' });
    await actions.getByLabel('refused only').check();
    await actions.getByRole('row', { name: /paused/ }).waitFor({ state: 'detached' });
    assert.match(page.url(), /\?(?=.*pipeline=sync)(?=.*refused=true)/);
    await page.reload();
    await actions.getByRole('link', { name: 'run-1' }).first().click();
    await page.waitForURL(/\/runs\/run-1$/);
    await closed(page);
  });

  test('what rang is there from its beginning to its end, with whom it was told to and why not', async () => {
    const lead = await stage.store.lease('daemon', stage.parts.self);
    const problem: Problem = {
      key: 'failed:sync',
      kind: 'failed',
      severity: 'error',
      pipeline: 'sync',
      runId: 'run-1',
      since: '2026-01-31T09:00:00.000Z',
      text: 'run run-1 failed: `users` is locked',
      hint: 'engine logs run-1',
    };
    const page = await browser.open(`${stage.server.url}/audit`);
    const incidents = region(page, 'incidents');
    await incidents.getByText('Nothing rang yet').waitFor();
    const opened = [{ id: '01A', problem, channels: ['ops'], over: false }];
    await stage.store.incidents?.record(lead, { at: new Date().toISOString(), opened, closed: [] });
    const [delivery] = (await stage.store.incidents?.unsent()) ?? [];
    if (delivery === undefined) throw new Error('nothing to tell');
    await stage.store.incidents?.settle(delivery, { state: 'given-up', error: 'hooks.example answered 404' });
    await page.reload();
    const row = incidents.getByRole('row', { name: /failed.*sync.*open for.*users is locked/ });
    await row.getByText('given up').waitFor();
    await row.getByText('hooks.example answered 404').waitFor();
    await stage.store.incidents?.record(lead, { at: new Date().toISOString(), opened: [], closed: ['01A'] });
    await page.reload();
    await row.waitFor({ state: 'detached' });
    await incidents.getByRole('link', { name: 'sync' }).click();
    await page.waitForURL(/\/pipelines\/sync$/);
    await closed(page);
  });

  test('both fit on a phone', async () => {
    const page = await browser.open(`${stage.server.url}/settings`, { viewport: { width: 390, height: 844 } });
    for (const [path, shown] of [
      ['/settings', 'connections'],
      ['/audit', 'incidents'],
    ] as const) {
      await page.goto(`${stage.server.url}${path}`);
      await region(page, shown).getByRole('table').waitFor();
      assert.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), path);
    }
    await closed(page);
  });
});
