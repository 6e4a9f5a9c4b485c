import type { DbtResult, EventBody } from '../../engine/event.ts';
import type { Plan } from '../../engine/plan.ts';
import { plan } from '../engine/serve/stage.ts';
import { nodePlanOf } from '../support/planning.ts';

const error = { code: 'postgres.locked', trouble: 'outside', message: 'staging.users is locked', hint: 'Wait.', retryable: true } as const;

const extracted = {
  ...{
    relation: 'public.users',
    mode: 'incremental',
    cursor: 'updated_at',
    columns: 4,
    rows: 9,
    bytes: 1_200,
    files: 1,
    paths: ['f/part-0.parquet'],
  },
  ...{ low: '2026-01-31T02:05:01.204118Z', lastFence: '2026-01-31T02:05:11.204118Z', fence: '2026-01-31T02:20:00.801992Z' },
  ...{ heldBy: 'pid 4411 (pg_dump)', heldSince: '2026-01-31T01:44:00Z', extractedAt: '2026-01-31T02:20:01Z', version: 7 },
} as const;
const loaded = {
  into: 'staging.users',
  versions: [7],
  lakeVersion: 7,
  files: 1,
  rows: 9,
  inserted: 2,
  updated: 6,
  unchanged: 1,
  replaced: false,
};

const model: DbtResult = {
  ...{ uniqueId: 'model.shop.users', kind: 'model', name: 'users', status: 'success', durationMs: 300, rows: 9, message: 'INSERT 0 9' },
  ...{ relation: 'analytics.users', dependsOn: ['model.shop.stg_users'], reads: ['staging.users'], path: 'models/users.sql' },
  compiledSql: 'select * from "staging"."users"',
};
const broken: DbtResult = {
  ...{ uniqueId: 'test.shop.unique_users_id.0123456789', kind: 'test', name: 'unique_users_id', status: 'fail', durationMs: 20 },
  ...{ failures: 3, message: 'Got 3 results', dependsOn: ['model.shop.users'], reads: ['analytics.users'] },
  compiledSql: 'select id from "analytics"."users" group by id having count(*) > 1',
};
/** The nodes of a run that has everything on its page. */
export const runNodes = [
  { id: 'extract users', type: 'postgres.extract', table: 'users', unit: 'extract users', needs: [] },
  { id: 'load users', type: 'postgres.load', table: 'users', unit: 'load users', needs: ['extract users'] },
  { id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: ['load users'] },
] as const;
/** What was planned of it. */
export const runPlan: Plan = {
  ...plan,
  nodes: runNodes.map((node) => ({
    table: undefined,
    ...node,
    options: {},
    plan: nodePlanOf(
      node.id === 'load users'
        ? { action: 'merge', summary: 'staging.users: merges by key', rowsEstimate: 12, warnings: ['no index'], sql: ['BEGIN', 'MERGE it'] }
        : { summary: `does ${node.id}` },
    ),
  })),
};
/** What happened in it: a retry, files, a plan with statements, models and tests. */
export const runEvents: readonly EventBody[] = [
  { type: 'run.planned', plan: runPlan, leftOut: [] },
  { type: 'node.started', node: 'extract users', attempt: 1 },
  { type: 'log', level: 'info', node: 'extract users', text: 'the first try' },
  { type: 'node.retrying', node: 'extract users', attempt: 1, delayMs: 1, error },
  { type: 'node.started', node: 'extract users', attempt: 2 },
  { type: 'log', level: 'info', node: 'extract users', text: 'the second try' },
  { type: 'node.succeeded', node: 'extract users', result: { summary: '9 rows', rows: 9, bytes: 1_200, facts: extracted } },
  { type: 'node.started', node: 'load users', attempt: 1 },
  { type: 'node.succeeded', node: 'load users', result: { summary: '9 in', rows: 9, bytes: 1_300, facts: loaded } },
  { type: 'node.started', node: 'dbt', attempt: 1 },
  { type: 'dbt.result', node: 'dbt', result: model },
  { type: 'dbt.result', node: 'dbt', result: broken },
  { type: 'node.failed', node: 'dbt', error: { ...error, message: '1 failed in dbt' } },
  { type: 'run.failed', error: { ...error, message: '1 failed in dbt' } },
];
