import { tmpdir } from 'node:os';
import { Ajv } from 'ajv';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.ts';
import { schemathesis } from './schemathesis.ts';
import { createStage, plan, type Stage } from './stage.ts';

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

suite('/openapi.json', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
    await stage.keepRun('run-1', 'sync', [
      { type: 'run.planned', plan, leftOut: [] },
      { type: 'node.started', node: 'extract users', attempt: 1 },
      {
        type: 'dbt.result',
        node: 'extract users',
        result: { uniqueId: 'model.a', kind: 'model', name: 'a', status: 'no-op', durationMs: 1 },
      },
      { type: 'log', level: 'warn', node: 'extract users', text: 'slow' },
      { type: 'node.succeeded', node: 'extract users', result: { summary: '9 rows', rows: 9, facts: {} } },
      { type: 'run.succeeded' },
    ]);
    await stage.ask('/api/v1/pipelines/sync/runs', { method: 'POST' });
  });
  after(() => stage?.close());

  test('each route says what it takes, what it answers and what errors look like', async () => {
    const { paths } = (await stage.ask<OpenApi>('/openapi.json')).body;
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
    );
    assert.ok(routes.length >= 43, `${routes.length} routes`);
    for (const { path, method, operation } of routes) {
      assert.ok((operation.summary ?? '').length > 5, `${method} ${path} has a summary`);
      assert.ok(operation.responses['4XX'] !== undefined && operation.responses['5XX'] !== undefined, `${method} ${path} has errors`);
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        assert.ok(
          operation.parameters?.some((p) => p.in === 'path' && p.name === name),
          `${method} ${path} has ${name}`,
        );
    }
  });

  test('answers are as it says, and have nothing that it does not name', async () => {
    const { components } = (await stage.ask<OpenApi>('/openapi.json')).body;
    const closed = JSON.parse(JSON.stringify(components.schemas), (_key, value) =>
      value?.type === 'object' && value.additionalProperties === undefined ? { ...value, additionalProperties: false } : value,
    );
    const ajv = new Ajv({ strict: false });
    ajv.addSchema({ $id: 'api', components: { schemas: closed } });
    for (const [path, schema] of [
      ['/overview', 'Overview'],
      ['/pipelines/sync', 'PipelinePage'],
      ['/pipelines/sync/plan', 'Plan'],
      ['/pipelines/sync/graph', 'PipelineGraph'],
      ['/pipelines/sync/grid', 'PipelineGrid'],
      ['/pipelines/sync/yaml', 'PipelineYaml'],
      ['/runs', 'RunsPage'],
      ['/runs/run-1', 'RunPage'],
      ['/runs/run-1/events', 'EventsPage'],
      ['/runs/run-1/log', 'LogPage'],
      ['/runs/run-1/plan', 'RunPlan'],
      ['/runs/run-1/dbt', 'RunDbt'],
      ['/tables', 'TablesPage'],
      ['/tables/users', 'TablePage'],
      ['/tables/users/live', 'TableLive'],
      ['/tables/users/loads', 'LoadsPage'],
      ['/tables/users/versions', 'VersionsPage'],
      ['/actions', 'ActionsPage'],
      ['/incidents', 'IncidentsPage'],
      ['/settings', 'SettingsPage'],
      ['/config', 'ConfigPage'],
      ['/doctor', 'DoctorPage'],
      ['/schedule?from=2026-11-23', 'SchedulePage'],
      ['/schedule/fires?pipeline=sync&from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z', 'FiresPage'],
      ['/session', 'Session'],
      ['/connections', 'ConnectionsPage'],
      ['/search?q=run', 'SearchPage'],
      ['/runs/nobody', 'ApiError'],
    ] as const) {
      const { body } = await stage.ask(`/api/v1${path}`);
      const validate = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
      assert.ok(validate(body), `${path}: ${ajv.errorsText(validate.errors)}`);
    }
  });

  test('schemathesis finds no answer that it does not say, and no 5xx', async () => {
    const { code, output } = await schemathesis(stage.server.url, tmpdir(), { phases: 'coverage' });
    assert.is(code, 0, output.slice(-5_000));
    assert.match(output, /[1-9]\d{2,} generated, [1-9]\d{2,} passed/);
    assert.equal(
      stage.told.filter((text) => text.startsWith('error')),
      [],
    );
  });
});
