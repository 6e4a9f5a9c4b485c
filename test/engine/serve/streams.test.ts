import { connect, type Socket } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import * as assert from 'uvu/assert';
import type { EventBody } from '../../../engine/event.ts';
import { createRunFeeds } from '../../../engine/serve/run-feed.ts';
import { createListeners } from '../../../engine/serve/sse.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { createStage, type Stage } from './stage.ts';

interface Sent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: string;
}

interface Reading {
  readonly events: Sent[];
  readonly status: number;
  readonly ended: () => boolean;
  /** Why it was no whole end. */
  readonly failed: () => unknown;
  stop(): void;
}

/** Reads server-sent events as a browser does. */
async function listen(stage: Stage, path: string, lastId?: string): Promise<Reading> {
  const gone = new AbortController();
  const answer = await fetch(stage.server.url + path, {
    signal: gone.signal,
    headers: lastId === undefined ? {} : { 'last-event-id': lastId },
  });
  const events: Sent[] = [];
  let ended = false;
  let failed: unknown;
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) {
      text += decoder.decode(part as Uint8Array, { stream: true });
      for (let at = text.indexOf('\n\n'); at !== -1; at = text.indexOf('\n\n')) {
        const lines = text.slice(0, at).split('\n');
        text = text.slice(at + 2);
        const field = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field('data');
        if (data !== undefined) events.push({ id: field('id'), name: field('event'), data });
      }
    }
  };
  read().then(
    () => {
      ended = true;
    },
    (error: unknown) => {
      ended = true;
      failed = error;
    },
  );
  return { events, status: answer.status, ended: () => ended, failed: () => failed, stop: () => gone.abort() };
}

const line = (text: string): EventBody => ({ type: 'log', level: 'info', text });

/** Somebody who asks for `/` and takes nothing of the answer. */
async function deafTo(app: FastifyInstance): Promise<Socket> {
  await app.listen({ port: 0 });
  const address = app.server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return socket;
}

suite('streams', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
  });
  after(() => stage?.close());

  test('whoever leaves while the store is asked is not asked for again and again', async () => {
    const { history } = stage.store;
    if (history === undefined) throw new Error('a store on Postgres has it');
    let asked = 0;
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const stamp = async (): Promise<string> => {
      asked += 1;
      await held;
      return history.stamp();
    };
    const server = await stage.another({ history: { ...history, stamp } });
    const gone = new AbortController();
    const asking = fetch(`${server.url}/api/v1/stream`, { signal: gone.signal }).catch(() => undefined);
    await waitUntil(() => asked === 1, 'the store is asked');
    gone.abort();
    await asking;
    // An answer to a later question: the end of the first connection was seen before it.
    await fetch(`${server.url}/api/v1/overview`);
    answer();
    await fetch(`${server.url}/api/v1/runs`);
    await fetch(`${server.url}/api/v1/runs`);
    assert.is(asked, 1);
    await server.close();
  });

  test('a stream of a run that breaks and is gone on with by the last id has every event once, and ends with the run', async () => {
    await stage.keepRun(
      'run-1',
      'sync',
      Array.from({ length: 1_200 }, (_, i) => line(`line ${i}`)),
    );
    const all: number[] = [];
    let last: string | undefined;
    let seq = 1_201;
    for (let round = 0; round < 5; round += 1) {
      const reading = await listen(stage, '/api/v1/runs/run-1/stream', last);
      await stage.keepEvents('run-1', seq, [line('live'), line('live')]);
      seq += 2;
      // Somewhere in the middle of it.
      const least = round === 0 ? 700 : 1;
      await waitUntil(() => reading.events.length >= least, `${least} events`);
      reading.stop();
      all.push(...reading.events.map(({ id }) => Number(id)));
      last = reading.events.at(-1)?.id ?? last;
    }
    const reading = await listen(stage, '/api/v1/runs/run-1/stream', last);
    await stage.keepEvents('run-1', seq, [{ type: 'run.succeeded' }]);
    await waitUntil(reading.ended, 'the end of the stream');
    all.push(...reading.events.map(({ id }) => Number(id)));
    assert.equal(
      all,
      Array.from({ length: seq + 1 }, (_, i) => i + 1),
    );
    assert.is(JSON.parse(reading.events.at(-1)?.data ?? '{}').type, 'run.succeeded');
    const over = await listen(stage, '/api/v1/runs/run-1/stream', String(seq + 1));
    assert.is(over.status, 204, 'a browser connects no more');
  });

  test('a stream ends with the end of the run whatever is told after it, and whoever has the end gets no other stream', async () => {
    const ends: EventBody[] = [
      { type: 'run.succeeded' },
      { type: 'run.failed', error: { code: 'x', trouble: 'failed', message: 'x', retryable: false } },
      { type: 'run.cancelled', reason: 'enough' },
      { type: 'run.interrupted', reason: 'gone' },
    ];
    for (const [i, end] of ends.entries()) {
      const path = `/api/v1/runs/run-late-${i}/stream`;
      await stage.keepRun(`run-late-${i}`, 'sync');
      const live = await listen(stage, path);
      await waitUntil(() => live.events.length === 1, 'the first event');
      await stage.keepEvents(`run-late-${i}`, 1, [end, line('the collector takes no traces'), line('nor measures')]);
      const whole = await listen(stage, path);
      for (const reading of [live, whole]) {
        await waitUntil(reading.ended, 'the end of the stream');
        assert.equal([reading.failed(), reading.events.map(({ id }) => id)], [undefined, ['1', '2']]);
      }
      for (const last of ['2', '3', '4']) assert.is((await listen(stage, path, last)).status, 204, last);
    }
  });

  test('nothing is sent after the end of a run to whoever follows it', async () => {
    await stage.keepRun('run-told', 'sync', [{ type: 'run.succeeded' }, line('after it')]);
    const calls: string[] = [];
    const gone = new AbortController();
    await createRunFeeds(stage.parts).follow('run-told', 0, {
      send: ({ id }) => calls.push(id) > 0,
      drained: async () => undefined,
      drop: () => void calls.push('drop'),
      end: () => void calls.push('end'),
      gone: gone.signal,
    });
    gone.abort();
    assert.equal(calls, ['1', '2', 'end']);
  });

  test('many who listen to a run from different places each get the rest of it once', async () => {
    await stage.keepRun(
      'run-2',
      'sync',
      Array.from({ length: 600 }, () => line('before')),
    );
    const readings = await Promise.all([0, 1, 300, 599, 601].map((after) => listen(stage, `/api/v1/runs/run-2/stream?after=${after}`)));
    for (let i = 0; i < 30; i += 1) await stage.keepEvents('run-2', 601 + i, [line(`live ${i}`)]);
    const late = await listen(stage, '/api/v1/runs/run-2/stream', '610');
    await stage.keepEvents('run-2', 631, [{ type: 'run.cancelled', reason: 'enough' }]);
    for (const [i, from] of [0, 1, 300, 599, 601, 610].entries()) {
      const reading = [...readings, late][i];
      await waitUntil(() => reading?.ended() === true, 'the end of each stream');
      assert.equal(
        reading?.events.map(({ id }) => Number(id)),
        Array.from({ length: 632 - from }, (_, n) => from + 1 + n),
      );
    }
  });

  test('`changed` comes at once, and again whenever a run begins or ends or something waits; one question to the store serves all', async () => {
    const [one, two] = [await listen(stage, '/api/v1/stream'), await listen(stage, '/api/v1/stream')];
    await waitUntil(() => one.events.length === 1 && two.events.length === 1, 'the first event');
    await stage.keepRun('run-3', 'nightly');
    await waitUntil(() => one.events.length >= 2 && two.events.length >= 2, 'an event when a run begins');
    const before = one.events.length;
    await stage.ask('/api/v1/pipelines/sync/pause', { method: 'POST' });
    await waitUntil(() => one.events.length > before, 'an event when somebody paused');
    const [{ name, id, data } = { name: '', id: '', data: '' }] = one.events.slice(-1);
    assert.equal([name, JSON.parse(data).stamp], ['changed', id]);
    const again = await listen(stage, '/api/v1/stream', id);
    await stage.keepEvents('run-3', 1, [{ type: 'run.succeeded' }]);
    await waitUntil(() => again.events.length >= 1, 'an event when a run ends');
    assert.is.not(again.events[0]?.id, id, 'who has the newest is not told again');
    for (const reading of [one, two, again]) reading.stop();
  });

  test('who takes little at a time keeps nobody else waiting, and has every event once in the end', async () => {
    await stage.keepRun('run-4', 'sync', []);
    const socket = connect(stage.server.address.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.pause();
    socket.write('GET /api/v1/runs/run-4/stream HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    const quick = await listen(stage, '/api/v1/runs/run-4/stream');
    await waitUntil(() => quick.events.length === 1, 'the first event');
    const texts = Array.from({ length: 400 }, (_, i) => line(`${i} ${'x'.repeat(20_000)}`));
    await stage.keepEvents('run-4', 1, [...texts, { type: 'run.succeeded' }]);
    await waitUntil(quick.ended, 'all events for the one who takes them');
    assert.is(quick.events.length, 402);
    assert.ok(socket.bytesRead < 5_000_000, `${socket.bytesRead} bytes were sent to the one who does not`);
    const over = new Promise<void>((resolve) => socket.once('end', () => resolve()));
    socket.resume();
    await over;
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.equal(
      ids,
      Array.from({ length: 402 }, (_, i) => i + 1),
    );
    socket.destroy();
  });

  test('who takes nothing at all is cut off after a while', async () => {
    const app = fastify();
    const listeners = createListeners(1, 200);
    const dropped = new Promise<void>((resolve) => {
      app.get('/', async (request, reply) => {
        const listener = listeners.open(request, reply);
        while (listener.send({ id: '1', data: 'x'.repeat(100_000) })) await new Promise((next) => setImmediate(next));
        await listener.drained();
        assert.ok(listener.gone.aborted);
        resolve();
        return reply;
      });
    });
    const socket = await deafTo(app);
    await dropped;
    assert.is(listeners.count, 0);
    socket.destroy();
    await app.close();
  });

  test('who does not take the end of a stream is cut off after a while too', async () => {
    const app = fastify();
    const listeners = createListeners(1, 200);
    const closed = new Promise<void>((resolve) => {
      app.get('/', async (request, reply) => {
        const listener = listeners.open(request, reply);
        listener.gone.addEventListener('abort', () => resolve());
        while (listener.send({ id: '1', data: 'x'.repeat(100_000) })) await new Promise((next) => setImmediate(next));
        listener.end();
        return reply;
      });
    });
    const socket = await deafTo(app);
    await closed;
    assert.is(listeners.count, 0);
    socket.destroy();
    await app.close();
  });

  test('200 listen at once, not one more, and those who leave make room', async () => {
    const readings = await Promise.all(Array.from({ length: 200 }, () => listen(stage, '/api/v1/stream')));
    const refused = await stage.ask('/api/v1/stream');
    assert.equal([refused.status, refused.error?.code], [429, 'stream.full']);
    assert.is((await stage.ask('/api/v1/overview')).status, 200);
    for (const reading of readings) reading.stop();
    await waitUntil(async () => {
      const reading = await listen(stage, '/api/v1/stream');
      reading.stop();
      return reading.status === 200;
    }, 'room for another');
  });

  test('a stream of what is not there is refused', async () => {
    assert.is((await stage.ask('/api/v1/runs/nobody/stream')).status, 404);
    assert.is((await stage.ask('/api/v1/runs/run-1/stream', { headers: { 'last-event-id': 'x' } })).status, 400);
    assert.is((await stage.ask('/api/v1/runs/run-1/stream?after=-1')).status, 400);
  });
});
