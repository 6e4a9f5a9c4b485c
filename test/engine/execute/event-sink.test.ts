import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import { createEventSink } from '../../../engine/execute/event-sink.ts';
import { keptPlan } from '../../../engine/plan.ts';
import { runOf } from '../../../engine/run.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { createTestClock } from '../../support/clock.ts';
import { puppetPlan } from '../../support/puppet.ts';
import { suite } from '../../support/suite.ts';

const start: EventBody = {
  type: 'run.started',
  pipeline: 'p',
  mode: 'full',
  trigger: 'cli',
  nodes: [{ id: 'a', type: 't', unit: 'a', needs: [] }],
  engine: '0',
  host: 'h',
  pid: 1,
  request: {},
};

function setUp(append?: () => Promise<void>) {
  const clock = createTestClock();
  const inner = createMemoryStore(clock);
  const store = append === undefined ? inner : { ...inner, append };
  const shown: Event[] = [];
  const told: string[] = [];
  const sink = createEventSink({ runId: 'r', store, clock, show: (e) => shown.push(e), trouble: (t) => told.push(t) });
  return { clock, store, shown, told, sink };
}

suite('event sink', ({ test }) => {
  test('no secret reaches reporter or store, however deep it lies', async () => {
    keepSecret('hunter-two');
    const { sink, store, shown } = setUp();
    sink.emit(start);
    sink.emit({ type: 'log', level: 'info', text: 'password hunter-two', fields: { list: [{ url: 'postgres://u:swordfish@h/d' }] } });
    await sink.close();
    for (const text of [JSON.stringify(shown), JSON.stringify(await store.events('r'))]) {
      assert.not.match(text, 'hunter-two');
      assert.not.match(text, 'swordfish');
      assert.match(text, 'password ***');
    }
  });

  test('a password that is the name of something as well changes nothing in what a run is of, only in texts', async () => {
    for (const name of ['orders-name', 'machine-name', 'connector-name', 'postgres-code']) keepSecret(name);
    const { sink, store } = setUp();
    const failed = { code: 'postgres-code.gone', trouble: 'outside', message: 'orders-name is gone', retryable: true } as const;
    const node = {
      id: 'extract orders-name',
      type: 'connector-name.extract',
      table: 'orders-name',
      unit: 'extract orders-name',
      needs: [],
    };
    const then: readonly EventBody[] = [
      { ...start, pipeline: 'orders-name', host: 'machine-name', request: { tables: ['orders-name'] }, nodes: [node] },
      { type: 'run.planned', ...keptPlan({ ...puppetPlan([{ id: 'extract orders-name' }]), pipeline: 'orders-name' }) },
      { type: 'node.started', node: node.id, attempt: 1 },
      { type: 'log', node: node.id, level: 'info', text: 'orders-name' },
      {
        type: 'dbt.result',
        node: node.id,
        result: {
          uniqueId: 'model.orders-name',
          kind: 'model',
          name: 'orders-name',
          status: 'error',
          durationMs: 1,
          message: 'orders-name',
        },
      },
      { type: 'node.failed', node: node.id, error: failed },
      { type: 'run.failed', error: failed },
    ];
    for (const body of then) sink.emit(body);
    await sink.close();
    const [record] = await store.runs({ pipeline: 'orders-name' });
    assert.equal([record?.state, record?.host], ['failed', 'machine-name']);
    const stored = await store.events('r');
    const run = runOf(stored);
    assert.equal(run?.request, { tables: ['orders-name'] });
    const [kept] = run?.nodes ?? [];
    assert.equal([kept?.id, kept?.type, kept?.table, kept?.unit, kept?.state], [node.id, node.type, node.table, node.unit, 'failed']);
    assert.equal([kept?.error?.code, kept?.error?.message, run?.error?.message], ['postgres-code.gone', '*** is gone', '*** is gone']);
    assert.equal([kept?.dbt[0]?.uniqueId, kept?.dbt[0]?.message], ['model.orders-name', '***']);
    const planned = stored.flatMap((event) => (event.type === 'run.planned' ? [event.plan] : []));
    assert.equal([planned[0]?.pipeline, planned[0]?.nodes.map(({ id }) => id)], ['orders-name', [node.id]]);
    assert.equal(
      stored.flatMap((event) => (event.type === 'log' ? [event.text] : [])),
      ['***'],
    );
  });

  test('progress is shown ten times a second at most, and kept every two seconds', async () => {
    const { sink, store, shown, clock } = setUp();
    sink.emit(start);
    for (let i = 0; i < 500; i += 1) {
      sink.emit({ type: 'node.progress', node: 'a', progress: { rows: i } });
      await clock.advance(10);
    }
    await sink.close();
    assert.is(shown.filter((e) => e.type === 'node.progress').length, 50);
    assert.is((await store.events('r')).filter((e) => e.type === 'node.progress').length, 3);
  });

  test('events wait no longer than the batch for the store', async () => {
    const { sink, store, clock } = setUp();
    sink.emit(start);
    assert.is((await store.events('r')).length, 0);
    await clock.advance(200);
    assert.is((await store.events('r')).length, 1);
  });

  test('events that no try could keep are counted aloud at the end', async () => {
    const { sink, told } = setUp(() => Promise.reject(new Error('disk on fire')));
    sink.emit(start);
    sink.emit({ type: 'run.succeeded' });
    await sink.close();
    assert.is(told.length, 1);
    assert.match(told[0] ?? '', /2 events of run r could not be kept \(disk on fire\)/);
  });
});
