import * as assert from 'uvu/assert';
import type { Fire, FireBucket } from '../../../engine/api-schedule.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import type { PipelineConfig, ScheduleConfig } from '../../../engine/config.ts';
import type { Lease } from '../../../engine/connector.ts';
import type { EventBody } from '../../../engine/event.ts';
import type { Queue } from '../../../engine/queue.ts';
import { readCalendar } from '../../../engine/schedule/calendar.ts';
import { edgesOf } from '../../../engine/schedule/days.ts';
import { decideAll } from '../../../engine/schedule/decide.ts';
import { dueFires } from '../../../engine/schedule/due.ts';
import { readFires } from '../../../engine/schedule/fires.ts';
import { leftOut, missedSpan } from '../../../engine/schedule/left-out.ts';
import { zoneOf } from '../../../engine/schedule/zone.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { createRandom } from '../../../generators/random.ts';
import { pipelineOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = Date.UTC(2026, 4, 4);
const quarter: ScheduleConfig = { cron: '*/15 * * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } };
const error = { code: 'x', trouble: 'failed', message: 'x', retryable: false } as const;
const ends: Readonly<Record<string, EventBody | undefined>> = {
  succeeded: { type: 'run.succeeded' },
  failed: { type: 'run.failed', error },
  cancelled: { type: 'run.cancelled', reason: 'x' },
  running: undefined,
};

suite('what became of the times of schedules', ({ test, before, after }) => {
  let database: TestDatabase;
  let store: Store;
  let queue: Queue;
  let lead: Lease;
  let names = 0;
  before(async () => {
    database = await freshDatabase('calendar');
    store = createPostgresStore({ connect: () => database.client(), schema: 'engine', clock: systemClock });
    await store.migrate();
    if (store.queue === undefined) throw new Error('no queue');
    queue = store.queue;
    lead = await store.lease('daemon', { runId: 'one', host: 'here', pid: process.pid });
  });
  after(async () => {
    await store?.close();
    await database?.drop();
  });

  const pipeline = (over: Partial<PipelineConfig> = {}): PipelineConfig => {
    names += 1;
    return pipelineOf(`p${names}`, ['users'], { schedules: [quarter], ...over });
  };
  const markOf = ({ schedules }: PipelineConfig, seenUntilMs: number) => ({
    ...dueFires({ schedules, catchup: 'none', mark: undefined, nowMs: seenUntilMs }).mark,
    seenUntilMs,
  });
  /** Decides about a time; with an end its run begins so long after it, and takes so long. */
  const fire = async (
    of: PipelineConfig,
    atMs: number,
    what: { readonly end?: string; readonly afterMs?: number; readonly tookMs?: number; readonly skipped?: string } = {},
  ): Promise<void> => {
    const [entry] = await queue.decide(lead, {
      pipeline: of.name,
      mark: markOf(of, atMs),
      fires: [
        what.skipped === undefined
          ? { scheduledAtMs: atMs, state: 'queued' }
          : { scheduledAtMs: atMs, state: 'skipped', reason: what.skipped },
      ],
    });
    if (entry === undefined || what.end === undefined) return;
    const runId = `${of.name}-${atMs}`;
    const startedMs = atMs + (what.afterMs ?? 500);
    const end = ends[what.end];
    const start: EventBody = {
      type: 'run.started',
      pipeline: of.name,
      mode: 'incremental',
      trigger: 'schedule',
      scheduledAt: new Date(atMs).toISOString(),
      queued: entry.id,
      nodes: [],
      engine: 'test',
      host: 'here',
      pid: process.pid,
      request: {},
    };
    await store.append([
      { seq: 1, at: new Date(startedMs).toISOString(), runId, ...start },
      ...(end === undefined ? [] : [{ seq: 2, at: new Date(startedMs + (what.tookMs ?? 2_000)).toISOString(), runId, ...end }]),
    ]);
    // When it was put into the queue is the database's business elsewhere; here it is the time itself.
    await noted(entry.id, atMs);
  };
  const noted = async (id: number, atMs: number): Promise<void> => {
    const client = await database.client();
    try {
      await client.query('UPDATE engine.queue SET noted_at = $1 WHERE id = $2', [new Date(atMs), id]);
    } finally {
      await client.end();
    }
  };
  const hours = edgesOf(zoneOf('UTC'), day, 1, 'hour');
  const bucketsOf = async (of: PipelineConfig, nowMs: number, edges = hours): Promise<readonly FireBucket[]> =>
    (await readCalendar(queue, [of], edges, nowMs)).get(of.name) ?? [];
  const allFires = async (of: PipelineConfig, nowMs: number, fromMs = day, untilMs = day + 24 * hour): Promise<readonly Fire[]> => {
    const found: Fire[] = [];
    for (let from: number | undefined = fromMs; from !== undefined; ) {
      const page: Awaited<ReturnType<typeof readFires>> = await readFires(queue, of, { fromMs: from, untilMs, limit: 7, nowMs });
      found.push(...page.fires);
      from = page.nextMs;
    }
    return found;
  };
  /** The buckets that the times one by one would make. */
  const counted = (fires: readonly Fire[], edges = hours): readonly FireBucket[] =>
    edges.slice(0, -1).flatMap((edge, index) => {
      const within = fires.filter(({ at }) => Date.parse(at) >= edge && Date.parse(at) < (edges[index + 1] ?? 0));
      const counts: Record<string, number> = {};
      for (const { state } of within) counts[state] = (counts[state] ?? 0) + 1;
      return within.length === 0 ? [] : [{ index, counts, late: within.filter(({ late }) => late !== undefined).length }];
    });

  test('each time is told once, with its run or why it has none, and what is to come after it', async () => {
    const of = pipeline({ alerts: { lateAfterMs: 10 * minute, freshnessMs: undefined, heldForMs: undefined, to: [] } });
    await fire(of, day, { end: 'succeeded' });
    await fire(of, day + 15 * minute, { end: 'failed' });
    await fire(of, day + 30 * minute, { end: 'succeeded', tookMs: 12 * minute });
    await fire(of, day + 45 * minute, { skipped: leftOut.atWork('r') });
    await fire(of, day + 60 * minute, { skipped: leftOut.paused('anna', '2026-05-04T00:50:00Z') });
    await fire(of, day + 75 * minute, { end: 'cancelled', afterMs: 3 * minute });
    await fire(of, day + 90 * minute, { skipped: leftOut.waiting });
    await fire(of, day + 105 * minute, { end: 'running' });
    const nowMs = day + 115 * minute + 30_000;
    const fires = await allFires(of, nowMs, day, day + 2 * hour + 1);
    assert.equal(
      fires.map(({ at, state, late }) => [at.slice(11, 16), state, late]),
      [
        ['00:00', 'succeeded', undefined],
        ['00:15', 'failed', undefined],
        ['00:30', 'succeeded', 'took 12 m 1 s, longer than 10 m 0 s'],
        ['00:45', 'missed', undefined],
        ['01:00', 'skipped', undefined],
        ['01:15', 'cancelled', 'began 3 m 0 s after its time'],
        ['01:30', 'skipped', undefined],
        ['01:45', 'running', 'took 10 m 30 s, longer than 10 m 0 s'],
        ['02:00', 'next', undefined],
      ],
    );
    assert.is(fires[0]?.run?.runId, `${of.name}-${day}`);
    assert.is(fires[0]?.afterMs, 500);
    assert.is(fires[3]?.reason, 'run r was still at work');
    assert.equal((await bucketsOf(of, nowMs)).slice(0, 3), [
      { index: 0, counts: { succeeded: 2, failed: 1, missed: 1 }, late: 1 },
      { index: 1, counts: { skipped: 2, cancelled: 1, running: 1 }, late: 2 },
      { index: 2, counts: { next: 4 }, late: 0 },
    ]);
  });

  test('counts and single times agree, whatever happened', async () => {
    const random = createRandom(Date.now() % 1_000_000, 'calendar');
    const of = pipeline({
      schedules: [quarter, { ...quarter, cron: '5,30 * * * *', timezone: 'Europe/Berlin' }],
      alerts: { lateAfterMs: 10 * minute, freshnessMs: undefined, heldForMs: undefined, to: [] },
    });
    for (let atMs = day; atMs < day + 12 * hour; atMs += 15 * minute) {
      const kind = random.below(10);
      if (kind === 0) continue;
      if (kind < 3)
        await fire(of, atMs, { skipped: random.pick([leftOut.waiting, leftOut.pausedInFile, leftOut.atWork('r'), 'something else']) });
      else if (kind === 3) await fire(of, atMs);
      else
        await fire(of, atMs, {
          end: random.pick(Object.keys(ends)),
          afterMs: random.pick([500, 60_000, 60_001, 3_600_000]),
          tookMs: random.pick([1_000, 10 * minute - 500, 10 * minute, hour]),
        });
    }
    const nowMs = day + 13 * hour + random.below(hour);
    assert.equal(await bucketsOf(of, nowMs), counted(await allFires(of, nowMs)));
  });

  test('times that came while no daemon looked are each marked, though one row tells of them all', async () => {
    const of = pipeline();
    await fire(of, day, { end: 'succeeded' });
    const config = { pipelines: { [of.name]: of } } as Parameters<typeof decideAll>[2];
    const backMs = day + 3 * hour + 7 * minute;
    const clock = { ...systemClock, now: () => backMs };
    await decideAll({ queue, clock, tell: () => undefined }, lead, config, { waiting: [], live: [] });
    const entries = await queue.entries({ pipeline: of.name, limit: 10 });
    // 11 missed in one row, the newest made up for.
    assert.equal(
      entries.map(({ state }) => state),
      ['queued', 'skipped', 'started'],
    );
    assert.is(missedSpan(entries[1]?.reason)?.count, 11);
    const nowMs = backMs + 1_000;
    const buckets = await bucketsOf(of, nowMs);
    assert.equal(
      buckets.slice(0, 4).map(({ counts }) => counts),
      [{ succeeded: 1, missed: 3 }, { missed: 4 }, { missed: 4 }, { queued: 1, next: 3 }],
    );
    assert.equal(buckets, counted(await allFires(of, nowMs)));
    assert.match((await allFires(of, nowMs))[2]?.reason ?? '', /^11 times were missed, from 2026-05-04T00:15:00.000Z/);
    // A calendar that begins in the middle of them, and one that ends there.
    for (const [from, to] of [
      [2, 24],
      [0, 2],
    ] as const) {
      const part = hours.slice(from, to + 1);
      const single = counted(await allFires(of, nowMs, part[0], part.at(-1)), part);
      assert.equal(await bucketsOf(of, nowMs, part), single);
    }
  });

  test('after its schedule was changed nobody knows when they were: they are counted where they ended', async () => {
    const of = pipeline();
    await fire(of, day, { end: 'succeeded' });
    await fire(of, day + 3 * hour, { skipped: leftOut.missed({ count: 11, firstMs: day + 30 * minute, lastMs: day + 3 * hour }) });
    const changed = { ...of, schedules: [{ ...quarter, cron: '0 * * * *' }] };
    const nowMs = day + 4 * hour + 1;
    assert.equal(
      (await bucketsOf(changed, nowMs)).slice(0, 3).map(({ index, counts }) => [index, counts]),
      [
        [0, { succeeded: 1 }],
        [3, { missed: 11 }],
        [5, { next: 1 }],
      ],
    );
  });

  test('times that nobody has looked at yet are neither missed nor to come, and a new pipeline has none of before', async () => {
    const of = pipeline();
    await fire(of, day, { end: 'succeeded' });
    const nowMs = day + 50 * minute;
    assert.equal((await bucketsOf(of, nowMs))[0]?.counts, { succeeded: 1, undecided: 3 });
    assert.equal(await bucketsOf(of, nowMs), counted(await allFires(of, nowMs)));
    const fresh = pipeline();
    assert.equal(
      (await bucketsOf(fresh, nowMs)).slice(0, 1).map(({ index, counts }) => [index, counts]),
      [[1, { next: 4 }]],
    );
  });

  test('reasons are read back as they were written', () => {
    for (const count of [2, 999, 1_000]) {
      const span = { count, firstMs: day, lastMs: day + hour };
      assert.equal(missedSpan(`${leftOut.missed(span)} (catchup: latest)`), span);
    }
    for (const text of [leftOut.missed({ count: 1, firstMs: day, lastMs: day }), leftOut.waiting, leftOut.atWork('x'), undefined])
      assert.is(missedSpan(text), undefined);
  });
});
