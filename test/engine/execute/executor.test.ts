import * as assert from 'uvu/assert';
import type { JsonObject } from '../../../engine/base/json.ts';
import { EngineError, stoppedError } from '../../../engine/error.ts';
import type { Event } from '../../../engine/event.ts';
import { type Execution, execute } from '../../../engine/execute/executor.ts';
import type { Plan, PlannedNode } from '../../../engine/plan.ts';
import { type Run, runOf } from '../../../engine/run.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { createTestClock, type TestClock } from '../../support/clock.ts';
import { createPuppets, type PuppetNode, type Puppets, puppetPlan } from '../../support/puppet.ts';
import { suite } from '../../support/suite.ts';

interface Stage {
  readonly puppets: Puppets;
  readonly clock: TestClock;
  readonly stop: AbortController;
  readonly events: Event[];
  readonly store: ReturnType<typeof createMemoryStore>;
  readonly notes: string[];
  readonly run: Promise<Run>;
}

function play(nodes: readonly PuppetNode[], changes: Partial<Execution> = {}): Stage {
  const puppets = createPuppets();
  const clock = createTestClock();
  const stop = new AbortController();
  const store = createMemoryStore(clock);
  const events: Event[] = [];
  const notes: string[] = [];
  const run = execute({
    runId: 'run-1',
    plan: puppetPlan(nodes),
    trigger: 'cli',
    earlier: undefined,
    retries: { attempts: 3, delayMs: 1000, factor: 2, maxDelayMs: 60_000 },
    timeoutMs: undefined,
    concurrency: 8,
    nodeTypes: puppets.nodeTypes,
    connection: () => {
      throw new Error('puppets have no connections');
    },
    store,
    clock,
    random: () => 1,
    signal: stop.signal,
    root: '/nowhere',
    engine: '0.0.0',
    host: 'here',
    pid: 1,
    show: (event) => events.push(event),
    note: (text) => notes.push(text),
    ...changes,
  });
  return { puppets, clock, stop, events, store, notes, run };
}

const states = (run: Run): Record<string, string> => Object.fromEntries(run.nodes.map((n) => [n.id, n.state]));

suite('executor', ({ test }) => {
  test('nodes run after what they need, and the run succeeds', async () => {
    const { run, puppets } = play([{ id: 'a' }, { id: 'b', needs: ['a'] }, { id: 'c', needs: ['b'] }]);
    assert.is((await run).state, 'succeeded');
    assert.equal(puppets.calls, ['run a 1', 'run b 1', 'run c 1']);
  });

  test('siblings of a failed node go on and what needs it is skipped, with the reason', async () => {
    const { run } = play([
      { id: 'a', fails: 9 },
      { id: 'b' },
      { id: 'c', needs: ['a'] },
      { id: 'd', needs: ['b'] },
      { id: 'e', needs: ['c', 'd'] },
    ]);
    const ended = await run;
    assert.equal(states(ended), { a: 'failed', b: 'succeeded', c: 'skipped', d: 'succeeded', e: 'skipped' });
    assert.is(ended.nodes.find((n) => n.id === 'c')?.because, 'a');
    assert.is(ended.nodes.find((n) => n.id === 'e')?.because, 'c');
    assert.is(ended.state, 'failed');
    assert.is(ended.error?.message, 'a: a failed');
    assert.is(ended.error?.hint, 'Pull another string.');
  });

  test('an error that is not retryable is not tried again', async () => {
    const { run, puppets } = play([{ id: 'a', fails: 1 }]);
    assert.is((await run).state, 'failed');
    assert.equal(puppets.calls, ['run a 1']);
  });

  test('a retryable error is tried again after its delay, up to the attempts', async () => {
    const { run, puppets, clock, events } = play([{ id: 'a', fails: 9, retryable: true }]);
    await clock.sleeping(1000);
    await clock.advance(1000);
    await clock.sleeping(2000);
    await clock.advance(2000);
    assert.is((await run).state, 'failed');
    assert.equal(puppets.calls, ['run a 1', 'run a 2', 'run a 3']);
    assert.equal(
      events.flatMap((e) => (e.type === 'node.retrying' ? [e.delayMs] : [])),
      [1000, 2000],
    );
  });

  test('a node that fails once and then works has succeeded', async () => {
    const { run, clock } = play([{ id: 'a', fails: 1, retryable: true }]);
    await clock.sleeping(1000);
    await clock.advance(1000);
    const ended = await run;
    assert.is(ended.state, 'succeeded');
    assert.is(ended.nodes[0]?.attempt, 2);
    assert.is(ended.nodes[0]?.error, undefined);
  });

  test('no more units than the concurrency work at the same time', async () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, waits: true }));
    const { run, puppets } = play(nodes, { concurrency: 2 });
    for (const { id } of nodes) {
      await puppets.waiting(id);
      puppets.release(id);
    }
    assert.is((await run).state, 'succeeded');
    assert.is(puppets.peak(), 2);
  });

  test('a unit is one transaction, committed after its last node', async () => {
    const { run, puppets, events } = play([
      { id: 'truncate', unit: 'u', joins: 't' },
      { id: 'load', unit: 'u', joins: 't', needs: ['truncate'] },
    ]);
    const ended = await run;
    assert.equal(puppets.calls, ['run truncate 1', 'open t', 'run load 1', 'commit t']);
    assert.equal(ended.nodes[1]?.result?.facts, { committed: 't' });
    const order = events.map((e) => e.type).filter((t) => t.startsWith('node.') && t !== 'node.progress');
    assert.equal(order, ['node.started', 'node.started', 'node.succeeded', 'node.succeeded']);
  });

  test('a unit that fails is rolled back and tried again as a whole', async () => {
    const { run, puppets, clock } = play([
      { id: 'truncate', unit: 'u', joins: 't' },
      { id: 'load', unit: 'u', joins: 't', fails: 1, retryable: true },
    ]);
    await clock.sleeping(1000);
    await clock.advance(1000);
    assert.is((await run).state, 'succeeded');
    assert.equal(puppets.calls, [
      'run truncate 1',
      'open t',
      'run load 1',
      'rollback t',
      'run truncate 2',
      'open t',
      'run load 2',
      'commit t',
    ]);
  });

  test('a commit that fails is a failure of the last node, and the rest of the unit is undone', async () => {
    const { run } = play(
      [
        { id: 'truncate', unit: 'u', joins: 't', commitFails: 9 },
        { id: 'load', unit: 'u', joins: 't' },
      ],
      { retries: { attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0 } },
    );
    assert.equal(states(await run), { truncate: 'skipped', load: 'failed' });
  });

  test('a run that is told to stop ends its nodes at once and is cancelled', async () => {
    const { run, puppets, stop } = play(
      [
        { id: 'a', waits: true, joins: 't' },
        { id: 'b', needs: ['a'] },
        { id: 'c', waits: true },
      ],
      {
        concurrency: 1,
      },
    );
    await puppets.waiting('a');
    stop.abort(stoppedError('stopped by SIGINT'));
    const ended = await run;
    assert.is(ended.state, 'cancelled');
    assert.equal(states(ended), { a: 'cancelled', b: 'cancelled', c: 'cancelled' });
    assert.equal(puppets.calls, ['run a 1', 'open t', 'stopped a', 'rollback t']);
  });

  test('a stop while a node waits to be tried again cancels it', async () => {
    const { run, clock, stop } = play([{ id: 'a', fails: 9, retryable: true }]);
    await clock.sleeping(1000);
    stop.abort(stoppedError());
    assert.is((await run).state, 'cancelled');
  });

  test('a node that does not listen is left behind after the grace', async () => {
    const { run, puppets, clock, stop, events } = play([{ id: 'a', waits: true, deaf: true }]);
    await puppets.waiting('a');
    stop.abort(stoppedError());
    await clock.sleeping(10_000);
    await clock.advance(10_000);
    assert.is((await run).state, 'cancelled');
    assert.ok(events.some((e) => e.type === 'log' && e.text.includes('left behind')));
  });

  test('an attempt that takes longer than the timeout is stopped and may be tried again', async () => {
    const { run, puppets, clock } = play([{ id: 'a', waits: true }], { timeoutMs: 5000 });
    await puppets.waiting('a');
    await clock.advance(5000);
    await clock.sleeping(1000);
    puppets.release('a');
    await clock.advance(1000);
    await puppets.waiting('a');
    puppets.release('a');
    const ended = await run;
    assert.is(ended.state, 'succeeded');
    assert.equal(puppets.calls, ['run a 1', 'stopped a', 'run a 2']);
  });

  test('a defect of a node is a failure with its stack in the log', async () => {
    const { run, events } = play([{ id: 'a', breaks: true }]);
    assert.is((await run).error?.code, 'engine.defect');
    assert.ok(events.some((e) => e.type === 'log' && e.level === 'error' && e.text.includes('TypeError: a puppet broke')));
  });

  test('what a failed node leaves behind is given to its next attempt', async () => {
    const { run, puppets, clock } = play([{ id: 'dbt', fails: 1, retryable: true, facts: { failed: ['model.x'] } }]);
    await clock.sleeping(1000);
    await clock.advance(1000);
    await run;
    assert.equal(puppets.histories.get('dbt'), { runId: 'run-1', facts: { failed: ['model.x'] } });
  });

  test('leases are given back when the attempt is over', async () => {
    const { run, store } = play([
      { id: 'a', lease: 'extract users' },
      { id: 'b', lease: 'extract users', needs: ['a'] },
    ]);
    assert.is((await run).state, 'succeeded');
    assert.equal(await store.leases(), []);
  });

  test('the trouble of a run is the one that its failures share', async () => {
    const refused = await play([
      { id: 'a', fails: 1, trouble: 'refused' },
      { id: 'b', fails: 1, trouble: 'refused' },
    ]).run;
    assert.is(refused.error?.trouble, 'refused');
    assert.is(refused.error?.message, '2 nodes failed: a, b');
    const mixed = await play([
      { id: 'a', fails: 1, trouble: 'refused' },
      { id: 'b', fails: 1, trouble: 'outside' },
    ]).run;
    assert.is(mixed.error?.trouble, 'failed');
  });

  test('the stored events tell the same run as the shown ones, in order', async () => {
    const { run, store, events } = play([{ id: 'a' }, { id: 'b', fails: 1 }]);
    const ended = await run;
    const stored = await store.events('run-1');
    assert.equal(runOf(stored), ended);
    assert.equal(
      events.map((e) => e.seq),
      events.map((_, i) => i + 1),
    );
  });

  test('an exporter is given a run once the store has its beginning, and nothing of one that could not begin', async () => {
    const told: string[] = [];
    const exporter = {
      event: (event: Event) => void told.push(event.type),
      catchUp: () => undefined,
      close: async () => void told.push('close'),
    };
    const store = createMemoryStore(createTestClock());
    const append = async (): Promise<void> => {
      throw new EngineError('refused', 'queue.taken', 'somebody else runs it');
    };
    const { run, events } = play([{ id: 'a' }], { exporter, store: { ...store, append } });
    await run.then(
      () => assert.unreachable(),
      (error: unknown) => assert.is((error as EngineError).code, 'queue.taken'),
    );
    assert.equal([events.map((e) => e.type), told], [['run.started', 'run.planned'], []]);

    let kept = 0;
    let knownAtFirst: number | undefined;
    const counted = {
      ...store,
      append: async (batch: readonly Event[]) => {
        await store.append(batch);
        kept += batch.length;
      },
    };
    const began = play([{ id: 'a' }], {
      store: counted,
      exporter: {
        ...exporter,
        event(event) {
          knownAtFirst ??= kept;
          exporter.event(event);
        },
      },
    });
    assert.is((await began.run).state, 'succeeded');
    assert.equal(told, [...began.events.map((e) => e.type), 'close']);
    assert.is(knownAtFirst, 2);
  });

  test('a run keeps the plan that it walks, right after its beginning', async () => {
    const { run, store } = play([{ id: 'a' }]);
    await run;
    const [started, planned] = await store.events('run-1');
    assert.is(started?.type, 'run.started');
    assert.ok(planned?.type === 'run.planned');
    assert.equal([planned.plan, planned.leftOut], [JSON.parse(JSON.stringify(puppetPlan([{ id: 'a' }]))), []]);
  });

  test('a store that fails in the middle does not stop the run, and gets the events later', async () => {
    const clock = createTestClock();
    const inner = createMemoryStore(clock);
    let broken = false;
    const stage = play([{ id: 'a', waits: true }], {
      clock,
      store: {
        ...inner,
        append: (events) => (broken ? Promise.reject(new EngineError('outside', 'store.gone', 'no store')) : inner.append(events)),
      },
    });
    await stage.puppets.waiting('a');
    broken = true;
    await clock.advance(200);
    assert.is(stage.notes.length, 1);
    broken = false;
    stage.puppets.release('a');
    const ended = await stage.run;
    assert.is(ended.state, 'succeeded');
    assert.equal(runOf(await inner.events('run-1')), ended);
  });

  test('a store that takes no first event stops the run before anything is done', async () => {
    const clock = createTestClock();
    const stage = play([{ id: 'a' }], {
      clock,
      store: { ...createMemoryStore(clock), append: () => Promise.reject(new EngineError('outside', 'store.gone', 'no store')) },
    });
    try {
      await stage.run;
      assert.unreachable();
    } catch (error) {
      assert.is(error instanceof EngineError ? error.code : error, 'store.gone');
    }
    assert.equal(stage.puppets.calls, []);
  });
});

suite('going on from an earlier run', ({ test }) => {
  const nodes: readonly PuppetNode[] = [
    { id: 'extract a', type: 'puppet.extract', source: 's' },
    { id: 'load a', needs: ['extract a'] },
    { id: 'extract b', type: 'puppet.extract', source: 's' },
    { id: 'load b', needs: ['extract b'] },
    { id: 'dbt', needs: ['load a', 'load b'] },
  ];
  const failing = (id: string, facts?: PuppetNode['facts']): readonly PuppetNode[] =>
    nodes.map((n) => (n.id === id ? { ...n, fails: 1, ...(facts === undefined ? {} : { facts }) } : n));

  test('what was extracted with another meaning, or nobody knows with which, is taken again; with the same it is kept', async () => {
    const meaning = (fingerprint: string | null, options: JsonObject = {}): Plan => {
      const plan = puppetPlan(nodes);
      const pinned = (node: PlannedNode): PlannedNode =>
        node.id.startsWith('extract')
          ? { ...node, options: { ...node.options, ...options }, plan: { ...node.plan, pins: { fingerprint } } }
          : node;
      return { ...plan, nodes: plan.nodes.map(pinned) };
    };
    const run = await play(failing('load b')).run;
    const kept = async (plan: Plan, before: Plan | undefined): Promise<boolean> => {
      const { events, run: again } = play(nodes, { plan, earlier: { run, plan: before }, runId: 'run-2' });
      await again;
      return events.some((event) => event.type === 'node.kept' && event.node === 'extract b');
    };
    assert.is(await kept(meaning('one'), meaning('one')), true);
    assert.is(await kept(meaning('two'), meaning('one')), false);
    assert.is(await kept(meaning('one'), undefined), false);
    // A source that cannot be asked: then it goes by what was declared.
    assert.is(await kept(meaning(null), meaning('one')), true);
    assert.is(await kept(meaning(null, { masked: true }), meaning('one')), false);
  });

  test('what succeeded is kept, what failed and was skipped runs', async () => {
    const earlier = await play(failing('load b')).run;
    const { run, puppets } = play(nodes, { earlier: { run: earlier, plan: undefined }, runId: 'run-2' });
    const ended = await run;
    assert.equal(puppets.calls, ['run load b 1', 'run dbt 1']);
    assert.is(ended.state, 'succeeded');
    assert.is(ended.nodes[0]?.keptFrom, 'run-1');
    assert.is(ended.retryOf, 'run-1');
  });

  test('when one extract of a source runs again all of them do, with what needs them', async () => {
    const earlier = await play(failing('extract b')).run;
    const { run, puppets } = play(nodes, { earlier: { run: earlier, plan: undefined }, runId: 'run-2' });
    await run;
    assert.is(puppets.calls.length, 5);
  });

  test('a node that failed is given what it left behind', async () => {
    const earlier = await play(failing('dbt', { failed: ['m'] })).run;
    const { run, puppets } = play(nodes, { earlier: { run: earlier, plan: undefined }, runId: 'run-2' });
    await run;
    assert.equal(puppets.calls, ['run dbt 1']);
    assert.equal(puppets.histories.get('dbt'), { runId: 'run-1', facts: { failed: ['m'] } });
  });

  test('a second retry keeps what the first kept, and names the run that did it', async () => {
    const first = await play(failing('load b')).run;
    const second = await play(failing('dbt'), { earlier: { run: first, plan: undefined }, runId: 'run-2' }).run;
    const { run, puppets } = play(nodes, { earlier: { run: second, plan: undefined }, runId: 'run-3' });
    const ended = await run;
    assert.equal(puppets.calls, ['run dbt 1']);
    assert.is(ended.nodes.find((n) => n.id === 'extract a')?.keptFrom, 'run-1');
    assert.is(ended.nodes.find((n) => n.id === 'load b')?.keptFrom, 'run-2');
  });
});
