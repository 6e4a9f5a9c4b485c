import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import { exportInterrupted } from '../../../engine/commands/export-interrupted.ts';
import { sweepBeside } from '../../../engine/commands/sweep.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { type HttpListener, listenHttp } from '../../support/listeners.ts';
import { eventsOf, shopStarted } from '../../support/run-events.ts';
import { suite } from '../../support/suite.ts';

const runId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

suite('a sweep that finds an interrupted run', ({ test, before, after }) => {
  let server: HttpListener;
  before(async () => {
    server = await listenHttp();
  });
  after(async () => {
    await server.close();
  });

  const setUp = () => {
    const notes: string[] = [];
    const events = eventsOf(runId, [shopStarted, { type: 'run.interrupted', reason: 'its process is gone' }]);
    const store = { ...createMemoryStore(systemClock), sweep: async () => [runId], events: async () => events };
    const context = {
      env: { OPENLINEAGE_URL: server.url },
      clock: systemClock,
      engine: '0.1.0',
      reporter: { note: (text: string) => void notes.push(text) },
    };
    return { notes, store, context };
  };

  test('lets the work begin while a server that hangs is asked, and waits for that server afterwards', async () => {
    const { notes, store, context } = setUp();
    let asked = (): void => undefined;
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    server.answer = () => {
      asked();
      return 'hang';
    };
    const seen = await sweepBeside(context, store, async () => {
      await asking;
      return [...notes];
    });
    server.answer = () => ({ status: 200 });
    assert.equal(seen.length, 1, 'no word of a server yet');
    assert.match(seen[0] ?? '', /^run 01ARZ3NDEKTSV4RRFFQ69G5FAV was interrupted: its process is gone/);
    assert.match(notes.slice(1).join('\n'), /lineage event/);
  });

  test('says what does not work, a defect as well, and throws nothing', async () => {
    const { store, context } = setUp();
    const warned: string[] = [];
    const events = async (): Promise<never> => {
      throw new TypeError('events of nothing');
    };
    await exportInterrupted(context, { ...store, events }, [runId], (text) => warned.push(text));
    assert.equal(warned, [`what became of run ${runId} is not exported: events of nothing`]);
  });
});
