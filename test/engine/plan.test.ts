import * as assert from 'uvu/assert';
import { keepSecret } from '../../engine/base/secret.ts';
import { EngineError } from '../../engine/error.ts';
import type { GraphNode } from '../../engine/graph.ts';
import {
  checkSavedPlan,
  keptPlan,
  makePlan,
  mostKept,
  type NodePlan,
  type Plan,
  type PlanInput,
  parsePlan,
  planMoves,
  whatMoved,
} from '../../engine/plan.ts';
import { nodePlanOf } from '../support/planning.ts';
import { suite } from '../support/suite.ts';

const node = (id: string, options: GraphNode['options'] = {}): GraphNode => ({
  id,
  type: 'test.do',
  table: 't',
  unit: id,
  needs: [],
  options,
});

function planOf(over: Partial<PlanInput> = {}, plans: Readonly<Record<string, Partial<NodePlan>>> = {}): Plan {
  return makePlan({
    pipeline: 'p',
    mode: 'incremental',
    createdAtMs: 0,
    request: { pipeline: 'p' },
    nodes: [node('extract t', { cursor: 'updated_at' }), node('load t')],
    describe: (n) => nodePlanOf(plans[n.id]),
    schedules: [],
    settings: { lake: 'lake' },
    ...over,
  });
}

function refusal(saved: Plan, fresh: Plan): EngineError {
  try {
    checkSavedPlan(saved, fresh);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('the saved plan was not refused');
}

suite('plan', ({ test }) => {
  test('each node is described with the plans of the nodes before it', () => {
    const seen: string[][] = [];
    planOf({
      describe: (_node, earlier) => {
        seen.push([...earlier.keys()]);
        return nodePlanOf();
      },
    });
    assert.equal(seen, [[], ['extract t']]);
  });

  test('a run keeps a plan whole, and of one that is too large the statements that fit', () => {
    const small = planOf({}, { 'extract t': { sql: ['SELECT 1'] } });
    assert.equal(keptPlan(small), { plan: small, leftOut: [] });
    const wide = 'x'.repeat(mostKept.statements - 20);
    const large = planOf({}, { 'extract t': { sql: ['BEGIN', wide, `${wide}y`, 'COMMIT'] } });
    const { plan, leftOut } = keptPlan(large);
    assert.equal(leftOut, ['1 of 4 statements']);
    assert.equal(plan.nodes[0]?.plan.sql, ['BEGIN', wide, 'COMMIT']);
    assert.is(plan.fingerprint, large.fingerprint);
  });

  test('of a plan of very many nodes a run keeps what each was to do, within its bound', () => {
    const nodes = Array.from({ length: 400 }, (_, i) => node(`extract ${i}`, { columns: 'x'.repeat(3_000) }));
    const describe: PlanInput['describe'] = () => nodePlanOf({ summary: 'reads', details: ['y'.repeat(3_000)], sql: ['z'.repeat(2_000)] });
    const { plan, leftOut } = keptPlan(planOf({ nodes, describe }));
    assert.ok(JSON.stringify(plan).length < mostKept.everything);
    assert.equal(leftOut, ['269 of 400 statements', "the nodes' options", "the nodes' details and warnings"]);
    assert.is(plan.nodes.filter((n) => n.plan.summary === 'reads').length, 400);
  });

  test('the fingerprint stands still for what is only shown: time, estimates, texts, order of keys', () => {
    const one = planOf({}, { 'extract t': { pins: { a: 1, b: 2 }, rowsEstimate: 5, summary: 'x' } });
    const other = planOf({ createdAtMs: 99 }, { 'extract t': { pins: { b: 2, a: 1 }, rowsEstimate: 6, warnings: ['y'] } });
    assert.is(one.fingerprint, other.fingerprint);
    checkSavedPlan(one, other);
  });

  test('a saved plan is refused with what moved: a pin, a setting, a node', () => {
    const pinned = (version: number): Plan => planOf({}, { 'load t': { pins: { lakeVersion: version } } });
    const error = refusal(pinned(4), pinned(5));
    assert.is(error.code, 'plan.out-of-date');
    assert.is(error.trouble, 'refused');
    assert.match(error.message, 'out of date: table `t`: the lake had version 4 and has version 5');
    const changed = planOf({ nodes: [node('extract t', { cursor: 'modified' }), node('load u')] });
    assert.equal(whatMoved(planOf(), changed), [
      'table `t`: `load t` is gone, its setting `cursor` was "updated_at" and is "modified", `load u` is new',
    ]);
  });

  test('what moved is one sentence for each table, and the same thing is said once', () => {
    const pins = (extract: NodePlan['pins'], load: NodePlan['pins']): Plan =>
      planOf({}, { 'extract t': { pins: extract }, 'load t': { pins: load } });
    const saved = pins({ version: -1, fingerprint: 'a' }, { lakeVersion: -1, ledgerVersion: null, stagingExists: false, odd: 1 });
    const fresh = pins({ version: 0, fingerprint: 'b' }, { lakeVersion: 0, ledgerVersion: 0, stagingExists: true, odd: 2 });
    assert.equal(whatMoved(saved, fresh), [
      'table `t`: the lake had nothing and has version 0, its columns or how it is read have changed, staging had nothing and has version 0, its staging table is there now, `odd` was 1 and is 2',
    ]);
  });

  test('a saved plan is refused when the configuration names another server, though all else is the same', () => {
    const error = refusal(planOf(), planOf({ settings: { lake: 'other' } }));
    assert.match(error.message, 'the servers or the lake that the configuration names are others');
  });

  test('secrets never get into a plan', () => {
    keepSecret('hunter2-plan');
    const plan = planOf(
      {},
      { 'extract t': { summary: 'as hunter2-plan', details: ['hunter2-plan'], warnings: ['hunter2-plan'], sql: ['select hunter2-plan'] } },
    );
    assert.not.match(JSON.stringify(plan), 'hunter2');
  });

  test('a plan moves something when one of its nodes does', () => {
    assert.is(planMoves(planOf({}, { 'extract t': { moves: false }, 'load t': { moves: false } })), false);
    assert.is(planMoves(planOf({}, { 'extract t': { moves: false } })), true);
    assert.is(planMoves(planOf({}, { 'extract t': { moves: false }, 'load t': { action: 'run', moves: true } })), false);
  });

  test('a saved plan survives its trip through a file, and other files are refused with the reason', () => {
    const plan = planOf();
    assert.equal(parsePlan(JSON.stringify(plan), 'f'), plan);
    const cases: readonly (readonly [string, string])[] = [
      ['no json', 'it is not JSON'],
      ['[]', 'it has no `format_version`'],
      ['null', 'it has no `format_version`'],
      ['{"format_version":2}', 'its format_version is 2'],
      ['{"format_version":1}', 'are missing'],
    ];
    for (const [text, why] of cases)
      assert.throws(
        () => parsePlan(text, 'f'),
        (error: Error) => error.message.includes(why),
      );
  });
});
