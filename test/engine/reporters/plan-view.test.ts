import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import type { NodePlan, Plan, PlannedNode } from '../../../engine/plan.ts';
import { painter } from '../../../engine/reporters/color.ts';
import { renderPlan } from '../../../engine/reporters/plan-view.ts';
import { nodePlanOf } from '../../support/planning.ts';
import { suite } from '../../support/suite.ts';

const node = (id: string, unit: string, plan: Partial<NodePlan>): PlannedNode => ({
  id,
  type: `postgres.${id.split(' ')[0]}`,
  table: 'users',
  unit,
  needs: [],
  options: {},
  plan: nodePlanOf(plan),
});

const plan: Plan = {
  format_version: 1,
  pipeline: 'batch_users',
  mode: 'full',
  createdAt: '2026-01-31T09:30:00.000Z',
  fingerprint: 'f',
  schedules: [{ cron: '*/15 * * * *', timezone: 'UTC', next: ['2026-01-31T09:45:00Z'], clocksSet: [] }],
  request: {},
  nodes: [
    node('extract users', 'extract users', {
      summary: 'all of public.users',
      rowsEstimate: 41_208,
      bytesEstimate: 3_400_000,
      sql: ['SELECT 1\nFROM t'],
    }),
    node('truncate users', 'load users', { action: 'replace', summary: 'empties staging.users', details: ['~10 rows go'] }),
    node('load users', 'load users', { action: 'create', summary: 'loads', warnings: ['readers wait'] }),
    node('dbt', 'dbt', { action: 'run', summary: 'dbt build --select users' }),
  ],
};
const plain = painter(false, {});

suite('plan view', ({ test }) => {
  test('shows nodes in order with glyphs, units held together, estimates, warnings, next fires and totals', () => {
    assert.is(
      renderPlan(plan, { sql: false, paint: plain }),
      `batch_users: full, 1 table

  >   extract users   all of public.users (~41,208 rows, ~3.4 MB)
-/+ ┌ truncate users  empties staging.users
    │   ~10 rows go
  + └ load users      loads
        warning: readers wait
  *   dbt             dbt build --select users

next */15 * * * * (UTC): 2026-01-31T09:45:00Z
Plan: 1 to read, 1 to create, 1 to replace, 1 to run; ~41,208 rows; ~3.4 MB; 1 warning
`,
    );
  });

  test('shows the statements when asked', () => {
    assert.match(renderPlan(plan, { sql: true, paint: plain }), '        | SELECT 1\n        | FROM t\n');
    assert.not.match(renderPlan(plan, { sql: false, paint: plain }), 'SELECT');
  });

  test('wraps between words at the width, and never loses one', () => {
    const wide = {
      ...plan,
      nodes: [node('extract users', 'extract users', { summary: 'word '.repeat(40).trim(), details: ['detail '.repeat(30).trim()] })],
    };
    const text = renderPlan(wide, { sql: false, paint: plain, width: 60 });
    assert.ok(text.split('\n').every((line) => line.length <= 60));
    assert.is(text.match(/word/g)?.length, 40);
    assert.is(text.match(/detail/g)?.length, 30);
  });

  test('colour changes no word and no width', () => {
    const coloured = renderPlan(plan, { sql: true, width: 60, paint: (style, text) => `<${style}>${text}</>` });
    assert.match(coloured, '<red>-/+</>');
    assert.match(coloured, '<yellow>        warning: readers wait</>');
    assert.is(coloured.replaceAll(/<\/?\w*>/g, ''), renderPlan(plan, { sql: true, width: 60, paint: plain }));
  });

  test('secrets are hidden', () => {
    keepSecret('s3cret-view');
    const told = { ...plan, nodes: [node('dbt', 'dbt', { summary: 's3cret-view' })] };
    assert.not.match(renderPlan(told, { sql: false, paint: plain }), 's3cret');
  });
});
