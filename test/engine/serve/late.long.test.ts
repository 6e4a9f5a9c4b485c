import * as assert from 'uvu/assert';
import type { History } from '../../../engine/history.ts';
import { suite } from '../../support/suite.ts';
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
      assert.equal([late.status, late.body.error.code], [503, 'answer.late']);
      assert.is(download.status, 200);
      assert.is(download.text.split('\n').filter((line) => line.includes('line ')).length, 1_500);
    } finally {
      await stage.close();
    }
  });
});
