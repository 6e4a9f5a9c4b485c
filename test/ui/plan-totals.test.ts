import * as assert from 'uvu/assert';
import type { NodePlan, PlannedNode } from '../../engine/plan.ts';
import { planCounts, planTotals } from '../../ui/plan-totals.ts';
import { nodePlanOf } from '../support/planning.ts';
import { suite } from '../support/suite.ts';

suite('the last line of a plan', ({ test }) => {
  const node = (id: string, type: string, plan: Partial<NodePlan>): PlannedNode => ({
    ...{ id, type, table: undefined, unit: id, needs: [], options: {} },
    plan: nodePlanOf(plan),
  });

  test('counts nodes by what they would do, and what the extracts would bring: a load brings the same again', () => {
    const nodes = [
      node('extract a', 'postgres.extract', { action: 'read', rowsEstimate: 1_000, bytesEstimate: 80_000 }),
      node('extract b', 'postgres.extract', { action: 'read', rowsEstimate: 70 }),
      node('load a', 'postgres.load', { action: 'create', rowsEstimate: 1_000, bytesEstimate: 90_000 }),
    ];
    assert.is(planCounts({ nodes }), '2 to read, 1 to create');
    assert.equal(planTotals({ nodes }), { rows: 1_070, bytes: 80_000 });
    assert.equal([planCounts({ nodes: [] }), planTotals({ nodes: [] })], ['nothing', { rows: undefined, bytes: undefined }]);
  });
});
