import * as assert from 'uvu/assert';
import { keepSecret } from '../../../engine/base/secret.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import { createEventSink } from '../../../engine/execute/event-sink.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { createTestClock } from '../../support/clock.ts';
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
