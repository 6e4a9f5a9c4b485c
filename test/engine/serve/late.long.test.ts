import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import type { Overview } from '../../../engine/api-overview.ts';
import type { History } from '../../../engine/history.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';
import { askAt, createStage } from './stage.ts';

suite('a store that takes its time', ({ test }) => {
  test('an answer that takes longer than 15 s is 503, a download is whole however long it takes', async () => {
    const stage = await createStage();
    await stage.keepRun('run-1', 'sync', [
      ...Array.from({ length: 1_500 }, (_, i) => ({ type: 'log', level: 'info', text: `line ${i}` }) as const),
      { type: 'run.succeeded' },
    ]);
    const { history } = stage.parts;
    const slowly = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const slow: History = {
      ...history,
      runs: async (query) => {
        await slowly(20_000);
        return history.runs(query);
      },
      events: async (query) => {
        await slowly(9_000);
        return history.events(query);
      },
    };
    const server = await stage.another({ history: slow });
    try {
      const [late, download] = await Promise.all([askAt(server.url, '/api/v1/runs'), askAt(server.url, '/api/v1/runs/run-1/log.txt')]);
      assert.equal([late.status, late.error?.code], [503, 'answer.late']);
      assert.is(download.status, 200);
      assert.is(download.text.split('\n').filter((line) => line.includes('line ')).length, 1_500);
    } finally {
      await stage.close();
    }
  });

  test('while it hangs the overview is what was known last', async () => {
    const stage = await createStage();
    const { history } = stage.parts;
    let hangs = false;
    const pipelines: History['pipelines'] = async (...asked) => {
      if (hangs) await new Promise((resolve) => setTimeout(resolve, 7_000));
      return history.pipelines(...asked);
    };
    const server = await stage.another({ history: { ...history, pipelines } });
    try {
      const overview = () => askAt<Overview>(server.url, '/api/v1/overview');
      const before = await overview();
      hangs = true;
      const ask = async () => (await Promise.all([overview(), overview()])).map(({ body }) => body);
      let shown = await ask();
      // For a moment what is fresh is shown as it is.
      await waitUntil(
        async () => {
          shown = await ask();
          return shown.every(({ storeDown }) => storeDown !== undefined);
        },
        'the last known',
        20_000,
      );
      for (const body of shown) {
        assert.is(body.at, before.body.at);
        assert.match(body.storeDown?.message ?? '', /does not answer within 5 s/);
      }
      hangs = false;
      await waitUntil(async () => (await overview()).body.storeDown === undefined, 'a new one');
    } finally {
      await stage.close();
    }
  });

  test('a request whose head does not end is cut off after five seconds, however busily it is sent', async () => {
    const stage = await createStage();
    const sockets = Array.from({ length: 50 }, () => {
      const socket = connect(stage.server.address.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.write('GET /api/v1/overview HTTP/1.1\r\nhost: localhost\r\nx: ');
      return socket;
    });
    const trickle = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write('x');
    }, 100);
    try {
      const began = Date.now();
      await waitUntil(() => sockets.every((socket) => socket.destroyed), 'the end of each', 15_000);
      assert.ok(Date.now() - began > 3_000);
    } finally {
      clearInterval(trickle);
      for (const socket of sockets) socket.destroy();
      await stage.close();
    }
  });
});
