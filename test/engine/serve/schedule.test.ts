import * as assert from 'uvu/assert';
import type { FiresPage, SchedulePage } from '../../../engine/api-schedule.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';
import { createStage, type Stage } from './stage.ts';

const at = (cron: string, timezone: string) => ({ cron, timezone, dst: { gap: 'after', fold: 'once' } }) as const;

suite('GET /schedule', ({ test, before, after }) => {
  let stage: Stage;
  before(async () => {
    stage = await createStage({
      clock: { ...systemClock, now: () => Date.parse('2026-03-27T12:00:00Z') },
      config: async () =>
        configOf(
          [tableOf('users')],
          [
            pipelineOf('berlin', ['users'], { schedules: [at('30 2 * * *', 'Europe/Berlin')] }),
            pipelineOf('paused', ['users'], { schedules: [at('0 * * * *', 'UTC')], paused: true }),
            pipelineOf('by-hand', ['users']),
          ],
        ),
    });
    const lead = await stage.store.lease('daemon', stage.parts.self);
    await stage.queue.decide(lead, {
      pipeline: 'berlin',
      mark: { schedules: { list: [] }, seenUntilMs: Date.parse('2026-03-27T01:30:00Z') },
      fires: [{ scheduledAtMs: Date.parse('2026-03-27T01:30:00Z'), state: 'skipped', reason: 'run r1 was still at work' }],
    });
  });
  after(() => stage?.close());
  const ask = async <T>(query: string): Promise<T> => {
    const { status, body, text } = await stage.ask<T>(`/api/v1/schedule${query}`);
    assert.is(status, 200, text);
    return body;
  };

  test('counts by the days of a zone, and says on which of them clocks are set, there and in the zones of the schedules', async () => {
    const page = await ask<SchedulePage>('?from=2026-03-27&days=3&zone=Europe/Berlin');
    assert.equal(page.edges, [
      '2026-03-26T23:00:00.000Z',
      '2026-03-27T23:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    assert.equal(page.clocksSet, [2]);
    assert.equal(
      page.pipelines.map(({ pipeline, paused, clocksSet, buckets }) => [pipeline, paused?.by, clocksSet, buckets]),
      [
        [
          'berlin',
          undefined,
          [2],
          [
            { index: 0, counts: { missed: 1 }, late: 0 },
            { index: 1, counts: { next: 1 }, late: 0 },
            { index: 2, counts: { next: 1 }, late: 0 },
          ],
        ],
        [
          'paused',
          'pipelines.yaml',
          [],
          [
            { index: 0, counts: { next: 10 }, late: 0 },
            { index: 1, counts: { next: 24 }, late: 0 },
            { index: 2, counts: { next: 23 }, late: 0 },
          ],
        ],
      ],
    );
    const elsewhere = await ask<SchedulePage>('?from=2026-03-29&days=1&step=hour&zone=Asia/Kolkata');
    assert.is(elsewhere.edges.length, 25);
    assert.is(elsewhere.edges[0], '2026-03-28T18:30:00.000Z');
    assert.equal([elsewhere.clocksSet, elsewhere.pipelines[0]?.clocksSet], [[], [6]]);
  });

  test('tells the times one by one, page by page, each also as its own zone has it', async () => {
    const [from, to] = ['2026-03-26T00:00:00Z', '2026-03-30T00:00:00Z'];
    const page = await ask<FiresPage>(`/fires?pipeline=berlin&from=${from}&to=${to}&limit=2`);
    assert.equal(
      page.fires.map((fire) => [fire.state, fire.reason, fire.local[0]?.at]),
      [
        ['missed', 'run r1 was still at work', '2026-03-27T02:30:00+01:00'],
        ['next', undefined, '2026-03-28T02:30:00+01:00'],
      ],
    );
    assert.is(page.next, '2026-03-29T01:00:00.000Z');
    const rest = await ask<FiresPage>(`/fires?pipeline=berlin&from=${page.next}&to=${to}&limit=2`);
    assert.equal(rest.fires[0]?.local, [{ timezone: 'Europe/Berlin', at: '2026-03-29T03:00:00+02:00', clocksSet: true }]);
    assert.is(rest.next, undefined);
  });

  test('what makes no sense is refused with what to do', async () => {
    for (const [query, status, code] of [
      ['?from=2026-02-30', 400, 'schedule.date'],
      ['?from=yesterday', 400, 'request.invalid'],
      ['?from=2026-03-01&days=32', 400, 'request.invalid'],
      ['?from=2026-03-01&days=8&step=hour', 400, 'schedule.too-long'],
      ['?from=2026-03-01&zone=Mars/Olympus', 400, 'schedule.zone'],
      ['/fires?pipeline=nobody&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z', 404, 'pipeline.unknown'],
      ['/fires?pipeline=berlin&from=2026-03-01T00:00:00Z&to=2026-05-02T00:00:00Z', 400, 'schedule.too-long'],
      ['/fires?pipeline=berlin&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 400, 'schedule.too-long'],
    ] as const) {
      const answer = await stage.ask(`/api/v1/schedule${query}`);
      assert.equal([answer.status, answer.error?.code], [status, code], query);
    }
  });
});
