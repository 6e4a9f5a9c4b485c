import * as assert from 'uvu/assert';
import type { Alarm } from '../../../engine/alarm.ts';
import type { Config, PipelineConfig, WebhookChannelConfig } from '../../../engine/config.ts';
import type { Lease } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import type { Incidents } from '../../../engine/incidents.ts';
import type { Queue, ScheduleMark } from '../../../engine/queue.ts';
import { dueFires, markWithout } from '../../../engine/schedule/due.ts';
import { createWatch, lookEveryMs, type Watch } from '../../../engine/schedule/incidents.ts';
import { leadership } from '../../../engine/schedule/leadership.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { createTestClock, type TestClock } from '../../support/clock.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');
const minute = 60_000;
const hourly: PipelineConfig['schedules'] = [{ cron: '0 * * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } }];

/** A channel that keeps what it was sent; `refuse` makes it fail. */
interface Bell {
  readonly messages: (readonly Alarm[])[];
  refuse: string | undefined;
  /** Resolves when it may answer. */
  gate: Promise<void>;
}

interface Stage {
  readonly clock: TestClock;
  readonly store: Store;
  readonly incidents: Incidents;
  readonly queue: Queue;
  readonly told: string[];
  config: Config;
  bell(name: string): Bell;
  readonly beats: number[];
  beatRefused: boolean;
  /** A daemon that leads from now on, with a store of its own. */
  daemon(name: string): Promise<{ readonly watch: Watch; readonly lead: Lease; look(): Promise<void>; readonly store: Store }>;
  ends(pipeline: string, runId: string, last: EventBody): Promise<void>;
  /** `opened failed:users`, message by message. */
  sent(name: string): readonly string[];
}

const succeeded: EventBody = { type: 'run.succeeded' };
const failed: EventBody = { type: 'run.failed', error: { code: 'x', trouble: 'failed', message: 'the disk is full', retryable: false } };

suite('incidents and their alarms', ({ test, before, after }) => {
  let database: TestDatabase;
  const stores: Store[] = [];
  let schemas = 0;
  before(async () => {
    database = await freshDatabase('incidents');
  });
  after(async () => {
    for (const store of stores) await store.close();
    await database.drop();
  });

  const channel = (name: string): WebhookChannelConfig => ({ type: 'webhook', name, url: 'http://127.0.0.1/', headers: {} });
  const configWith = (channels: readonly string[], over: Partial<Config['alerts']> = {}): Config =>
    configOf(
      [tableOf('users'), tableOf('orders')],
      [
        pipelineOf('users', ['users'], { schedules: hourly, alerts: { ...limits, to: ['ops'] } }),
        pipelineOf('orders', ['orders'], { alerts: { ...limits, to: ['ops', 'pager'] } }),
      ],
      { alerts: { channels: Object.fromEntries(channels.map((name) => [name, channel(name)])), off: [], heartbeat: undefined, ...over } },
    );
  const limits = { lateAfterMs: undefined, freshnessMs: undefined, heldForMs: 'maxHold' } as const;

  const markOf = ({ clock }: Stage): ScheduleMark =>
    dueFires({ schedules: hourly, catchup: 'none', mark: undefined, nowMs: clock.now() }).mark;

  const openStage = async (): Promise<Stage> => {
    schemas += 1;
    const schema = `engine_${schemas}`;
    const clock = createTestClock(noon);
    const open = async (): Promise<Store> => {
      const store = createPostgresStore({ connect: () => database.client(), schema, clock });
      stores.push(store);
      await store.migrate();
      return store;
    };
    const store = await open();
    const { incidents, queue } = store;
    if (incidents === undefined || queue === undefined) throw new Error('a store that keeps no incidents');
    const bells = new Map<string, Bell>();
    const stage: Stage = {
      clock,
      store,
      incidents,
      queue,
      told: [],
      config: configWith(['ops', 'pager']),
      bell(name) {
        const found = bells.get(name) ?? { messages: [], refuse: undefined, gate: Promise.resolve() };
        bells.set(name, found);
        return found;
      },
      beats: [],
      beatRefused: false,
      async daemon(name) {
        const own = await open();
        if (own.incidents === undefined) throw new Error('a store that keeps no incidents');
        const lead = await own.lease(leadership, { runId: name, host: 'here', pid: process.pid });
        const watch = createWatch({
          store: own,
          incidents: own.incidents,
          clock,
          tell: (level, text) => stage.told.push(`${level}: ${text}`),
          openRinging: ({ channels }) => ({
            channels: () =>
              new Map(
                Object.keys(channels).map((each) => [
                  each,
                  {
                    name: each,
                    atOnce: each === 'pager' ? 1 : 20,
                    async send(alarms) {
                      const bell = stage.bell(each);
                      await bell.gate;
                      if (bell.refuse !== undefined) throw new EngineError('outside', 'alarm.not-sent', bell.refuse);
                      bell.messages.push(alarms);
                    },
                  },
                ]),
              ),
            beat: async () => {
              if (stage.beatRefused) throw new EngineError('outside', 'alarm.not-sent', 'no pulse');
              stage.beats.push(clock.now());
            },
          }),
        });
        return {
          watch,
          lead,
          store: own,
          async look() {
            await clock.advance(lookEveryMs);
            watch.turn(lead, stage.config);
            await watch.idle();
          },
        };
      },
      async ends(pipeline, runId, last) {
        const bodies: readonly EventBody[] = [
          {
            type: 'run.started',
            pipeline,
            mode: 'incremental',
            trigger: 'cli',
            nodes: [],
            engine: 'test',
            host: 'here',
            pid: 1,
            request: {},
          },
          last,
        ];
        await clock.advance(10);
        await store.append(bodies.map((body, i): Event => ({ seq: i + 1, at: new Date(clock.now() + i).toISOString(), runId, ...body })));
        await clock.advance(10);
      },
      sent: (name) => stage.bell(name).messages.map((alarms) => alarms.map(({ event, problem }) => `${event} ${problem.key}`).join(', ')),
    };
    return stage;
  };

  test('an incident is told once when two looks have found it, once when it is over, and anew when it comes again', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await look();
    assert.equal(stage.sent('ops'), [], 'one look');
    for (let i = 0; i < 4; i += 1) await look();
    assert.equal(stage.sent('ops'), ['opened failed:users']);
    await stage.ends('users', 'B', failed);
    await look();
    await look();
    assert.equal(stage.sent('ops'), ['opened failed:users'], 'the same incident');
    await stage.ends('users', 'C', succeeded);
    for (let i = 0; i < 3; i += 1) await look();
    assert.equal(stage.sent('ops'), ['opened failed:users', 'closed failed:users']);
    await stage.ends('users', 'D', failed);
    for (let i = 0; i < 3; i += 1) await look();
    assert.equal(stage.sent('ops'), ['opened failed:users', 'closed failed:users', 'opened failed:users']);
    const ids = stage.bell('ops').messages.map(([alarm]) => alarm?.incident);
    assert.equal([ids[0] === ids[1], ids[0] === ids[2]], [true, false]);
    assert.equal(stage.sent('pager'), [], 'that pipeline rings elsewhere');
    assert.equal(
      stage.told.filter((line) => /failed: users/.test(line)),
      [
        'warn: needs attention: failed: users: run A failed: the disk is full',
        'info: over after 40.0 s: failed: users: run A failed: the disk is full',
        'warn: needs attention: failed: users: run D failed: the disk is full',
      ],
    );
  });

  test('what comes and goes between two looks is not told', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await look();
    await stage.ends('users', 'B', succeeded);
    await look();
    await stage.ends('users', 'C', failed);
    await look();
    assert.equal(stage.sent('ops'), []);
    assert.equal(await stage.incidents.newest(9), []);
  });

  test('a daemon that comes after tells nothing twice, and tells the end', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await first.look();
    await first.look();
    await first.lead.release();
    const second = await stage.daemon('two');
    for (let i = 0; i < 3; i += 1) await second.look();
    assert.equal(stage.sent('ops'), ['opened failed:users']);
    await stage.ends('users', 'B', succeeded);
    await second.look();
    await second.look();
    assert.equal(stage.sent('ops'), ['opened failed:users', 'closed failed:users']);
  });

  test('a leader that has been taken over from tells nothing any more', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await first.look();
    // As when it stood still: its session is gone, and the lead is another one's.
    await first.lead.release();
    const second = await stage.daemon('two');
    await first.look();
    assert.equal([stage.sent('ops'), await stage.incidents.open()], [[], []]);
    await second.look();
    await second.look();
    await first.look();
    assert.equal(stage.sent('ops'), ['opened failed:users']);
    // Two that both think that they lead take a delivery once.
    await stage.ends('users', 'B', succeeded);
    stage.bell('ops').refuse = 'away';
    await second.look();
    stage.bell('ops').refuse = undefined;
    await stage.clock.advance(minute);
    await first.look();
    assert.is(stage.sent('ops').length, 1);
    await second.look();
    assert.equal(stage.sent('ops'), ['opened failed:users', 'closed failed:users']);
  });

  test('a channel that does not take it is tried again, later each time; it is to be seen, and others are not kept', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    stage.bell('ops').refuse = 'ops answered 500';
    await stage.ends('orders', 'A', failed);
    await look();
    await look();
    assert.equal([stage.sent('ops'), stage.sent('pager')], [[], ['opened failed:orders']]);
    const [unsent] = await stage.incidents.unsent();
    assert.equal([unsent?.channel, unsent?.attempts, unsent?.error], ['ops', 1, 'ops answered 500']);
    assert.is(Date.parse(unsent?.nextAt ?? ''), stage.clock.now() + 10_000);
    await look();
    assert.is((await stage.incidents.unsent())[0]?.attempts, 1, 'not yet');
    await look();
    assert.is((await stage.incidents.unsent())[0]?.attempts, 2);
    stage.bell('ops').refuse = undefined;
    for (let i = 0; i < 7; i += 1) await look();
    assert.equal(stage.sent('ops'), ['opened failed:orders']);
    assert.equal(await stage.incidents.unsent(), []);
    const [open] = await stage.incidents.open();
    assert.equal(
      open?.deliveries.map((d) => [d.channel, d.event, d.state, d.attempts]),
      [
        ['ops', 'opened', 'sent', 3],
        ['pager', 'opened', 'sent', 1],
      ],
    );
    assert.ok(stage.told.includes('warn: an alarm could not be sent to channel ops, tried again in 10.0 s: ops answered 500'));
    assert.ok(stage.told.includes('info: channel ops takes alarms again'));
  });

  test('a clock that is set back does not put off what a channel has refused', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    stage.bell('ops').refuse = 'ops answered 500';
    await stage.ends('orders', 'A', failed);
    await look();
    await look();
    assert.is((await stage.incidents.unsent())[0]?.attempts, 1);
    stage.bell('ops').refuse = undefined;
    await stage.clock.advance(-60 * minute);
    await look();
    assert.equal(stage.sent('ops'), ['opened failed:orders']);
  });

  test('what is over before it could be told is told once, as over', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    stage.bell('ops').refuse = 'away';
    await stage.ends('users', 'A', failed);
    await look();
    await look();
    await stage.ends('users', 'B', succeeded);
    await look();
    stage.bell('ops').refuse = undefined;
    await stage.clock.advance(minute);
    await look();
    assert.equal(stage.sent('ops'), ['closed failed:users']);
    const [incident] = await stage.incidents.newest(1);
    assert.equal(
      incident?.deliveries.map((d) => [d.event, d.state, d.error]),
      [
        ['opened', 'given-up', 'away; it was over before it could be told'],
        ['closed', 'sent', undefined],
      ],
    );
  });

  test('what a daemon sent that died before it could say so is sent again, with the same id', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await first.look();
    stage.bell('ops').refuse = 'away';
    await first.look();
    const [unsent] = await stage.incidents.unsent();
    if (unsent === undefined) throw new Error('nothing is due');
    // The try that it dies in.
    await stage.clock.advance(10_000);
    assert.is((await stage.incidents.claim(first.lead, [unsent], stage.clock.now(), stage.clock.now() + minute)).length, 1);
    await first.lead.release();
    stage.bell('ops').refuse = undefined;
    const second = await stage.daemon('two');
    for (let i = 0; i < 11; i += 1) await second.look();
    assert.equal(stage.sent('ops'), [], 'the try may be going on');
    await second.look();
    assert.equal(stage.sent('ops'), ['opened failed:users']);
    assert.is(stage.bell('ops').messages[0]?.[0]?.incident, unsent.incident);
  });

  test('a day of refusals is enough, and a channel that was removed is not tried', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    stage.bell('ops').refuse = 'away';
    stage.bell('pager').refuse = 'away';
    await stage.ends('orders', 'A', failed);
    await look();
    await look();
    await stage.clock.advance(86_400_000);
    stage.config = configWith(['ops']);
    await look();
    const [open] = await stage.incidents.open();
    assert.equal(
      open?.deliveries.map((d) => [d.channel, d.state, d.error]),
      [
        ['ops', 'given-up', 'away'],
        ['pager', 'given-up', 'there is no channel pager any more'],
      ],
    );
  });

  test('many at once make one message where a channel can, and one each where it cannot', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    await stage.ends('users', 'A', failed);
    await stage.ends('orders', 'B', failed);
    await look();
    await look();
    assert.equal(stage.sent('ops'), ['opened failed:users, opened failed:orders']);
    assert.equal(stage.sent('pager'), ['opened failed:orders']);
  });

  test('a channel that hangs keeps neither looks nor other channels', async () => {
    const stage = await openStage();
    const { watch, lead } = await stage.daemon('one');
    let letGo = (): void => undefined;
    stage.bell('ops').gate = new Promise((resolve) => {
      letGo = resolve;
    });
    const onceSent = (count: number): Promise<void> =>
      waitUntil(async () => {
        await stage.clock.advance(lookEveryMs);
        watch.turn(lead, stage.config);
        return stage.sent('pager').length === count;
      }, `${count} sent to the other channel`);
    await stage.ends('orders', 'A', failed);
    await onceSent(1);
    await stage.ends('orders', 'B', succeeded);
    await onceSent(2);
    assert.equal(stage.sent('ops'), []);
    letGo();
    await watch.idle();
    assert.equal(stage.sent('ops')[0], 'opened failed:orders');
  });

  test('a daemon that takes over says for how long none was there, once', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await first.watch.tookOver();
    await stage.queue.decide(first.lead, { pipeline: 'users', mark: markOf(stage), fires: [] });
    await first.look();
    await first.lead.release();
    await stage.clock.advance(14 * minute);
    const second = await stage.daemon('two');
    await second.watch.tookOver();
    await second.look();
    await second.look();
    assert.equal([stage.sent('ops'), stage.sent('pager')], [['closed silent'], ['closed silent']]);
    const [alarm] = stage.bell('ops').messages[0] ?? [];
    assert.is(alarm?.problem.text, 'no daemon was there for 14 m 5 s: no schedule fired');
    assert.is(alarm?.problem.since, new Date(noon).toISOString());
    assert.equal(await stage.incidents.open(), []);
    // Another one that finds the same silence, as after a crash.
    await second.lead.release();
    const third = await stage.daemon('three');
    await third.watch.tookOver();
    await third.look();
    assert.is(stage.sent('ops').length, 1);
  });

  test('while no pipeline had a schedule nobody had to be there', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await stage.queue.decide(first.lead, { pipeline: 'users', mark: markWithout(stage.clock.now()), fires: [] });
    await first.lead.release();
    await stage.clock.advance(7 * 24 * 60 * minute);
    const second = await stage.daemon('two');
    await second.watch.tookOver();
    await second.look();
    assert.equal(stage.sent('ops'), []);
  });

  test('a lead that is handed over is no silence', async () => {
    const stage = await openStage();
    const first = await stage.daemon('one');
    await stage.queue.decide(first.lead, { pipeline: 'users', mark: markOf(stage), fires: [] });
    await first.lead.release();
    await stage.clock.advance(75_000);
    const second = await stage.daemon('two');
    await second.watch.tookOver();
    await second.look();
    assert.equal(stage.sent('ops'), []);
  });

  test('the heartbeat beats as often as it should while a daemon leads; that it is refused is said once', async () => {
    const stage = await openStage();
    stage.config = configWith([], { heartbeat: { url: 'http://127.0.0.1/', everyMs: 30_000 } });
    const { look } = await stage.daemon('one');
    for (let i = 0; i < 12; i += 1) await look();
    assert.is(stage.beats.length, 2);
    assert.is((stage.beats[1] ?? 0) - (stage.beats[0] ?? 0), 30_000);
    stage.beatRefused = true;
    for (let i = 0; i < 12; i += 1) await look();
    stage.beatRefused = false;
    for (let i = 0; i < 7; i += 1) await look();
    assert.equal(stage.told, ['warn: the heartbeat: no pulse', 'info: the heartbeat is taken again']);
  });

  test('what was over long ago is removed with its deliveries, what is open stays', async () => {
    const stage = await openStage();
    const { look } = await stage.daemon('one');
    await stage.ends('orders', 'A', failed);
    await look();
    await look();
    await stage.ends('orders', 'B', succeeded);
    await look();
    await stage.ends('users', 'C', failed);
    await look();
    await look();
    await stage.incidents.prune(stage.clock.now() - minute, 10);
    assert.is((await stage.incidents.newest(9)).length, 2);
    await stage.incidents.prune(stage.clock.now(), 10);
    assert.equal(
      (await stage.incidents.newest(9)).map((i) => i.problem.key),
      ['failed:users'],
    );
  });
});
