import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RunPage } from '../../../engine/api.ts';
import { fillLink } from '../../../engine/base/link.ts';
import { traceIdOf, uuidOf } from '../../../engine/base/ulid.ts';
import type { Config } from '../../../engine/config.ts';
import { chromiumPath, noChromium, startBrowser, type TestBrowser } from '../../support/browser.ts';
import { ensureBuilt, projectRoot } from '../../support/build.ts';
import { suite } from '../../support/suite.ts';
import { askAt, createStage, type Stage, shop } from './stage.ts';

const runId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const links = [
  { name: 'Jaeger', url: 'https://jaeger.example.com/trace/{traceId}' },
  { name: 'Marquez', url: 'https://marquez.example.com/{lineageRunId}/{pipeline}' },
  { name: 'logs', url: 'https://grafana.example.com/?from={startedMs}&to={endedMs}&run={runId}' },
];
const linked: Config = { ...shop, daemon: { ...shop.daemon, links } };
const chromium = chromiumPath();

suite('pages of other programs about a run', ({ test, before, after, skip }) => {
  let stage: Stage;
  before(async () => {
    await ensureBuilt();
    stage = await createStage({ uiFolder: join(projectRoot, 'dist', 'ui') });
    await stage.keepRun(runId, 'sync', [{ type: 'run.succeeded' }]);
  });
  after(() => stage?.close());

  test('what stands in braces is put in, encoded; other braces stay', () => {
    const fields = { runId: 'r', traceId: 't', lineageRunId: 'l', pipeline: 'a b/ü?', startedMs: '1', endedMs: '2' };
    assert.is(fillLink('https://h/{pipeline}?{traceId}{traceId}&{other}', fields), 'https://h/a%20b%2F%C3%BC%3F?tt&{other}');
  });

  test('a run has the links of the configuration, and its trace where runs are traced', async () => {
    const plain = (await stage.ask<RunPage>(`/api/v1/runs/${runId}`)).body;
    assert.equal([plain.traceId, plain.links], [undefined, []]);
    const server = await stage.another({ config: async () => linked, traced: true });
    const { body } = await askAt<RunPage>(server.url, `/api/v1/runs/${runId}`);
    const { startedAt, endedAt = '' } = body.run;
    assert.is(body.traceId, traceIdOf(runId));
    assert.equal(body.links, [
      { name: 'Jaeger', url: `https://jaeger.example.com/trace/${traceIdOf(runId)}` },
      { name: 'Marquez', url: `https://marquez.example.com/${uuidOf(runId)}/sync` },
      {
        name: 'logs',
        url: `https://grafana.example.com/?from=${Date.parse(startedAt)}&to=${Date.parse(endedAt)}&run=${runId}`,
      },
    ]);
  });

  const title = 'the page of the run shows them, reached by keyboard, and tells nobody where one came from';
  if (chromium === undefined) skip(title, noChromium);
  else
    test(title, async () => {
      const browser: TestBrowser = await startBrowser(chromium);
      try {
        const server = await stage.another({ config: async () => linked, traced: true });
        const page = await browser.open(`${server.url}/runs/${runId}`);
        await page.getByText(traceIdOf(runId), { exact: true }).waitFor();
        const jaeger = page.getByRole('link', { name: 'Jaeger', exact: true });
        assert.is(await jaeger.getAttribute('href'), `https://jaeger.example.com/trace/${traceIdOf(runId)}`);
        assert.is(await jaeger.getAttribute('rel'), 'noopener noreferrer');
        await jaeger.focus();
        await page.keyboard.press('Tab');
        assert.is(await page.evaluate('document.activeElement.textContent'), 'Marquez');
        const without = await browser.open(`${stage.server.url}/runs/${runId}`);
        await without.locator('.head-state', { hasText: 'succeeded' }).waitFor();
        assert.is(await without.getByText('elsewhere', { exact: true }).count(), 0);
        assert.equal(browser.wrong, []);
      } finally {
        await browser.close();
      }
    });
});
