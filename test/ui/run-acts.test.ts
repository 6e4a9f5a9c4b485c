import * as assert from 'uvu/assert';
import type { EventBody } from '../../engine/event.ts';
import { keptNodes } from '../../engine/execute/history.ts';
import type { Plan, PlannedNode } from '../../engine/plan.ts';
import { type Run, runOf } from '../../engine/run.ts';
import { actionText, askedByText } from '../../ui/asked-by.ts';
import { dbtAgainText, retryNodes } from '../../ui/retry-nodes.ts';
import { stopText } from '../../ui/stop-text.ts';
import { nodePlanOf } from '../support/planning.ts';
import { suite } from '../support/suite.ts';
import { runEvents, runNodes, runPlan } from './run-events.ts';

type Nodes = (EventBody & { type: 'run.started' })['nodes'];

function told(events: readonly EventBody[], nodes: Nodes = runNodes): Run {
  const first: EventBody = {
    ...{ type: 'run.started', pipeline: 'sync', mode: 'incremental', trigger: 'api', engine: '0', host: 'h', pid: 1, request: {} },
    nodes,
  };
  const run = runOf([first, ...events].map((body, seq) => ({ seq, at: '2026-01-31T02:20:00Z', runId: 'r', ...body })));
  if (run === undefined) throw new Error('no run');
  return run;
}

suite('what a page says of a run that is asked for, gone on with or stopped', ({ test }) => {
  test('who asked is one set of words, with the name where it is known', () => {
    assert.equal(
      [
        askedByText('schedule'),
        askedByText('api'),
        askedByText('api', 'ada'),
        askedByText('resume', 'its process died'),
        askedByText('new'),
      ],
      ['schedule', 'page or API', 'ada, page or API', 'daemon: its process died', 'new'],
    );
    assert.equal(['trigger', 'create-token', 'pause'].map(actionText), ['run now', 'create token', 'pause']);
  });

  test('a retry does again what failed, and of dbt only what failed or was skipped in it', () => {
    const run = told(
      runEvents.map((event) =>
        event.type === 'node.failed'
          ? { ...event, result: { summary: '', facts: { failed: ['test.shop.unique_users_id.0123456789'], skipped: ['model.shop.late'] } } }
          : event,
      ),
    );
    const planned = { nodes: runPlan.nodes.map((node) => ({ ...node, options: { source: 'shop' } })) };
    const { again, kept, dragged } = retryNodes(run, planned);
    assert.equal([again.map(({ id }) => id), kept.map(({ id }) => id), dragged], [['dbt'], ['extract users', 'load users'], false]);
    assert.equal(again.map(dbtAgainText), ['1 test that failed and 1 that was skipped']);
    assert.equal(kept.map(dbtAgainText), [undefined, undefined]);
  });

  /** Tables of two sources of one type: one node fails. */
  const twoSources = (failing: string): { readonly run: Run; readonly plan: Plan } => {
    const sources = { a: 'shop', b: 'shop', c: 'crm' };
    const nodes: PlannedNode[] = Object.entries(sources).flatMap(([table, source]) => [
      {
        ...{ id: `extract ${table}`, type: 'postgres.extract', table, unit: `extract ${table}`, needs: [], options: { source } },
        plan: nodePlanOf(),
      },
      {
        ...{ id: `load ${table}`, type: 'postgres.load', table, unit: `load ${table}`, needs: [`extract ${table}`], options: {} },
        plan: nodePlanOf(),
      },
    ]);
    const events = nodes.map(({ id }): EventBody => {
      if (id !== failing) return { type: 'node.succeeded', node: id, result: { summary: '', facts: {} } };
      return { type: 'node.failed', node: id, error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } };
    });
    return {
      run: told(
        events,
        nodes.map(({ options: _, plan: __, table = '', ...node }) => ({ ...node, table })),
      ),
      plan: { ...runPlan, nodes },
    };
  };
  const isExtract = ({ type }: PlannedNode): boolean => type === 'postgres.extract';
  const ids = (nodes: readonly { readonly id: string }[]): readonly string[] => nodes.map(({ id }) => id);

  test('a table of the same snapshot is read again with the one that failed, one of another source is kept', () => {
    for (const failing of ['extract a', 'load a', 'extract c']) {
      const { run, plan } = twoSources(failing);
      const { again, kept, dragged, unplanned } = retryNodes(run, plan);
      const expected = keptNodes(plan.nodes, { run, plan });
      assert.equal([new Set(ids(kept)), unplanned], [new Set(expected), false], `what the engine does after ${failing}`);
      assert.is(again.length + kept.length, 6);
      assert.is(dragged, failing !== 'load a');
    }
    const { run, plan } = twoSources('extract a');
    assert.equal(ids(retryNodes(run, plan).kept), ['extract c', 'load c']);
  });

  test('of a run whose plan nobody kept all is extracted again', () => {
    const { run, plan } = twoSources('load a');
    const pinned = plan.nodes.map((node) => ({
      ...node,
      plan: { ...node.plan, pins: isExtract(node) ? { fingerprint: 'f' } : {} },
    }));
    assert.equal(keptNodes(pinned, { run, plan: undefined }), new Set());
    const { kept, unplanned } = retryNodes(run, undefined);
    assert.equal([kept, unplanned], [[], true]);
  });

  test('of a run whose plan was too large to be kept whole, no more is said to be kept than the engine keeps', () => {
    const { run, plan } = twoSources('extract c');
    const now = plan.nodes.map((node) => ({ ...node, plan: { ...node.plan, pins: isExtract(node) ? { fingerprint: 'f' } : {} } }));
    const withoutOptions = { ...plan, nodes: now.map((node) => ({ ...node, options: {} })) };
    const withoutPins = { ...plan, nodes: plan.nodes.map((node) => ({ ...node, options: {} })) };
    for (const kept of [withoutOptions, withoutPins]) {
      const by = keptNodes(now, { run, plan: kept });
      for (const id of ids(retryNodes(run, kept).kept)) assert.ok(by.has(id), id);
    }
    assert.ok(retryNodes(run, withoutPins).unplanned);
    assert.not.ok(retryNodes(run, withoutOptions).unplanned);
  });

  test('a cancel says what becomes of each node at work', () => {
    assert.match(stopText({ type: 'dbt.build', state: 'running' }), /models at work are rolled back; those that are built stay/);
    assert.match(stopText({ type: 'postgres.extract', state: 'running' }), /^nothing of it comes into the lake/);
    assert.match(stopText({ type: 'postgres.load', state: 'running' }), /^is rolled back, with all of its unit/);
    assert.is(stopText({ type: 'postgres.load', state: 'retrying' }), 'is not tried again.');
  });
});
