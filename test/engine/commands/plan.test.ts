import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../engine/base/json.ts';
import { command, planPipeline, requestOf } from '../../../engine/commands/plan.ts';
import type { Config } from '../../../engine/config.ts';
import type { NodeType } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import { parsePlan } from '../../../engine/plan.ts';
import { configOf, pipelineOf, relationOf, tableOf } from '../../support/config.ts';
import { type FakeParts, fakeContext, fakeType, nodePlanOf } from '../../support/planning.ts';
import { suite } from '../../support/suite.ts';

const types = (moves = true, facts: () => JsonObject = () => ({ version: 4 })): NodeType[] =>
  ['postgres.extract', 'postgres.truncate', 'postgres.load', 'dbt.build'].map((type) =>
    fakeType(type, facts, (_options, found) => nodePlanOf({ moves, pins: found })),
  );

async function failure(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

suite('plan command', ({ test, before, after }) => {
  let root = '';
  let config: Config;
  const yaml = 'version: 1\npipelines:\n  users: { tables: [users] }\n  all:\n    tables: ["public.*"]\n';

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'engine-plan-'));
    writeFileSync(join(root, 'pipelines.yaml'), yaml);
    const schedules = [{ cron: '0 12 * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } as const }];
    const pipelines = [pipelineOf('users', ['users'], { dbt: ['users'], schedules }), pipelineOf('all', ['public.*'], { mode: 'full' })];
    config = configOf([tableOf('users')], pipelines, { root, file: join(root, 'pipelines.yaml') });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const run = async (options: Record<string, string | boolean | readonly string[]>, parts: Partial<FakeParts> = {}) => {
    const { context, shown } = fakeContext({ config, types: types(), catalog: [relationOf('public', 'film')], ...parts });
    return { code: await command.run(context, { arguments: [], options }), shown };
  };

  test('a plan has its nodes, next fires and what was asked for', async () => {
    const { context } = fakeContext({ config, types: types() });
    const plan = await planPipeline(context, { pipeline: 'users', tables: ['users'], fullRefresh: true });
    assert.equal(
      plan.nodes.map((n) => n.id),
      ['extract users', 'truncate users', 'load users', 'dbt'],
    );
    assert.is(plan.mode, 'full');
    assert.is(plan.schedules[0]?.next[0], '2026-01-31T12:00:00Z');
    assert.equal(requestOf(plan), { pipeline: 'users', tables: ['users'], fullRefresh: true });
  });

  test('all pipelines are planned when none is named, wildcards from the catalog', async () => {
    const { code, shown } = await run({});
    assert.is(code, 0);
    assert.equal(
      shown.plans.map((p) => p.pipeline),
      ['users', 'all'],
    );
    assert.ok(shown.plans[1]?.nodes.some((n) => n.id === 'load film'));
  });

  test('with --json all pipelines are one document', async () => {
    const { shown } = await run({}, { json: true });
    assert.is(shown.plans.length, 0);
    assert.is(shown.documents.length, 1);
    assert.equal(Object.keys(shown.documents[0] ?? {}), ['format_version', 'plans', 'errors']);
  });

  test('a pipeline that cannot be planned does not hide the others, and decides the exit code', async () => {
    const { code, shown } = await run({}, { catalog: [] });
    assert.is(code, 2);
    assert.is(shown.plans.length, 1);
    assert.is(shown.errors[0]?.code, 'plan.findings');
    assert.equal(
      shown.diagnostics.map((d) => [d.line, d.column, d.code, d.severity]),
      [[5, 14, 'tables.nothing-matched', 'error']],
    );
  });

  test('--detailed-exitcode is 2 with something to move, 0 without, 1 for findings', async () => {
    assert.is((await run({ detailedExitcode: true, pipeline: 'users' })).code, 2);
    assert.is((await run({ detailedExitcode: true, pipeline: 'users' }, { types: types(false) })).code, 0);
    assert.is((await run({ detailedExitcode: true }, { catalog: [] })).code, 1);
    assert.is((await failure(run({ detailedExitcode: true, pipeline: 'usres' }))).trouble, 'failed');
  });

  test('a plan that a guard would refuse is exit 4, one that lacks a right exit 3, as the run would be', async () => {
    const refused = types().map((t) => ({ ...t, describe: () => nodePlanOf({ action: 'refused' }) }));
    assert.is((await run({ pipeline: 'users' }, { types: refused })).code, 4);
    assert.is((await run({ pipeline: 'users', detailedExitcode: true }, { types: refused })).code, 1);
    const withoutRight = types().map((t) => ({ ...t, describe: () => nodePlanOf({ action: 'refused', trouble: 'outside' }) }));
    assert.is((await run({ pipeline: 'users' }, { types: withoutRight })).code, 3);
  });

  test('--out saves a plan that can be read again, and leaves no other file', async () => {
    const { code } = await run({ pipeline: 'users', out: 'plan.json' });
    assert.is(code, 0);
    const saved = parsePlan(readFileSync(join(root, 'plan.json'), 'utf8'), 'plan.json');
    assert.is(saved.pipeline, 'users');
    assert.equal(readdirSync(root).sort(), ['pipelines.yaml', 'plan.json']);
    rmSync(join(root, 'plan.json'));
  });

  test('--out to a place that is not there is exit 3, and --out without a pipeline exit 2', async () => {
    assert.is((await failure(run({ pipeline: 'users', out: 'nowhere/plan.json' }))).trouble, 'outside');
    const error = await failure(run({ out: 'plan.json' }));
    assert.is(error.trouble, 'usage');
    assert.match(error.message, '--out needs --pipeline');
  });

  test('unknown pipelines and tables are named with the nearest known one', async () => {
    assert.is((await failure(run({ pipeline: 'usres' }))).hint, 'Did you mean `users`?');
    const error = await failure(run({ pipeline: 'users', table: ['user'] }));
    assert.is(error.trouble, 'usage');
    assert.is(error.hint, 'Did you mean `users`?');
  });

  test('the fingerprint follows what was surveyed and which server is meant, not the password', async () => {
    const finger = async (url: string, version: number): Promise<string> => {
      const sources = { production: { name: 'production', type: 'postgres' as const, url } };
      const { context } = fakeContext({ config: { ...config, sources }, types: types(true, () => ({ version })) });
      return (await planPipeline(context, { pipeline: 'users' })).fingerprint;
    };
    const first = await finger('postgres://me:old@db.example/app', 1);
    assert.is(await finger('postgres://me:new@db.example/app', 1), first);
    assert.is.not(await finger('postgres://me:old@db.example/app', 2), first);
    assert.is.not(await finger('postgres://me:old@elsewhere/app', 1), first);
  });

  test('a survey that fails ends the plan with its error', async () => {
    const broken = types(true, () => {
      throw new EngineError('outside', 'postgres.connection-refused', 'refused');
    });
    assert.is((await failure(run({ pipeline: 'users' }, { types: broken }))).code, 'postgres.connection-refused');
  });
});
