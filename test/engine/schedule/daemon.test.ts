import * as assert from 'uvu/assert';
import { type Clock, systemClock } from '../../../engine/base/clock.ts';
import type { Config, PipelineConfig, ScheduleConfig } from '../../../engine/config.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import type { QueueEntry } from '../../../engine/queue.ts';
import type { RunRecord } from '../../../engine/run.ts';
import { type Child, runDaemon } from '../../../engine/schedule/daemon.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const everyMinute: readonly ScheduleConfig[] = [{ cron: '* * * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } }];
const minute = 60_000;

/** A minute of it is half a second of ours; `shift` sets it. */
interface QuickClock extends Clock {
  shift(ms: number): void;
}

const faster = 120;

function quickClock(): QuickClock {
  const began = Date.now();
  const from = Date.parse('2026-05-04T12:00:30Z');
  let shifted = 0;
  return {
    now: () => from + (Date.now() - began) * faster + shifted,
    sleep: (ms, signal) => systemClock.sleep(ms / faster, signal),
    shift: (ms) => {
      shifted += ms;
    },
  };
}

/** Runs that are none: they begin in the store, as a process would, and end when they are told to. */
interface Stage {
  readonly clock: QuickClock;
  readonly store: Store;
  readonly told: string[];
  config: Config;
  /** How a run goes; default: it succeeds at once. */
  act: (entry: QueueEntry, run: PlayedRun) => Promise<number | null>;
  /** Starts a daemon, that goes by another configuration if one is given; `end` tells it to stop and waits. */
  daemon(config?: Config): Promise<{ end(): Promise<void>; readonly store: Store }>;
  runs(): Promise<readonly RunRecord[]>;
  /** So many times of the clock's minutes go by. */
  minutes(count: number): Promise<void>;
  close(): Promise<void>;
}

interface PlayedRun {
  readonly runId: string;
  emit(body: EventBody): Promise<void>;
  /** Resolves once it was told to stop. */
  readonly stopped: Promise<void>;
  /** Gives no sign of life any more, as a process that stands still. */
  freeze(): Promise<void>;
}

async function openStage(pipelines: readonly PipelineConfig[]): Promise<Stage> {
  const database: TestDatabase = await freshDatabase('daemon');
  const clock = quickClock();
  const stores: Store[] = [];
  const daemons: AbortController[] = [];
  const working: Promise<void>[] = [];
  const open = async (): Promise<Store> => {
    const store = createPostgresStore({ connect: () => database.client(), schema: 'engine', clock });
    stores.push(store);
    await store.migrate();
    return store;
  };
  const store = await open();
  let runs = 0;
  const play = (entry: QueueEntry): Child => {
    let stop = (): void => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const work = async (): Promise<number | null> => {
      const own = await open();
      runs += 1;
      const runId = `RUN${String(runs).padStart(4, '0')}`;
      let seq = 0;
      const emit = async (body: EventBody): Promise<void> => {
        seq += 1;
        await own.append([{ seq, at: new Date(clock.now()).toISOString(), runId, ...body } as Event]);
      };
      try {
        return await stage.act(entry, { runId, emit, stopped, freeze: () => own.close() });
      } finally {
        await own.close();
      }
    };
    return {
      ended: work().then(
        (code) => ({ code, said: '' }),
        (error: unknown) => ({ code: 1, said: String(error) }),
      ),
      stop,
      kill: stop,
    };
  };
  const stage: Stage = {
    clock,
    store,
    told: [],
    config: configOf([tableOf('users'), tableOf('orders')], pipelines),
    act: async (entry, run) => {
      await run.emit(startOf(entry));
      await run.emit({ type: 'run.succeeded' });
      return 0;
    },
    async daemon(config) {
      const own = await open();
      const { queue } = own;
      if (queue === undefined) throw new Error('no queue');
      const over = new AbortController();
      daemons.push(over);
      const work = runDaemon({
        // Nothing here is about alarms, and the quick clock would look for them all the time.
        store: { ...own, incidents: undefined },
        queue,
        clock,
        self: { runId: `daemon-${stores.length}`, host: 'here', pid: process.pid },
        config: async () => config ?? stage.config,
        start: play,
        openRinging: () => ({ channels: () => new Map(), beat: async () => undefined }),
        tell: (level, text) => stage.told.push(`${level}: ${text}`),
        signal: over.signal,
      });
      working.push(work);
      return {
        store: own,
        end: async () => {
          over.abort();
          await work;
        },
      };
    },
    runs: () => store.runs({}),
    minutes: (count) => systemClock.sleep((count * minute) / faster),
    async close() {
      for (const over of daemons) over.abort();
      await Promise.all(working);
      for (const each of stores) await each.close();
      await database.drop();
    },
  };
  return stage;
}

function startOf(entry: QueueEntry): EventBody {
  return {
    type: 'run.started',
    pipeline: entry.pipeline,
    mode: 'incremental',
    trigger: entry.kind === 'fire' ? 'schedule' : entry.kind === 'resume' ? 'resume' : 'api',
    ...(entry.retryOf === undefined ? {} : { retryOf: entry.retryOf }),
    queued: entry.id,
    nodes: [],
    engine: 'test',
    host: 'here',
    pid: process.pid,
    request: { pipeline: entry.pipeline },
  };
}

/** Minutes past noon of the times that have a run, with each time as often as it has one. */
function times(runs: readonly RunRecord[], pipeline = 'users'): readonly number[] {
  return runs
    .filter((run) => run.pipeline === pipeline && run.scheduledAt !== undefined)
    .map((run) => (Date.parse(run.scheduledAt ?? '') - Date.parse('2026-05-04T12:00:00Z')) / minute)
    .sort((a, b) => a - b);
}

const rising = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => from + i);

/** On a busy machine a time of the quick clock is late soon: late ones are made up for as well. */
const all: Partial<PipelineConfig> = { overlap: 'queue', catchup: { windowMs: 86_400_000, max: 1000 } };

suite('the daemon', ({ test }) => {
  const on = (title: string, pipelines: readonly PipelineConfig[], body: (stage: Stage) => Promise<void>): void =>
    test(title, async () => {
      const stage = await openStage(pipelines);
      try {
        await body(stage);
      } finally {
        await stage.close();
      }
    });
  const users = (over: Partial<PipelineConfig> = {}): PipelineConfig => pipelineOf('users', ['users'], { schedules: everyMinute, ...over });
  const orders = (over: Partial<PipelineConfig> = {}): PipelineConfig =>
    pipelineOf('orders', ['orders'], { schedules: everyMinute, ...over });

  on(
    'every time fires exactly once, with two daemons there and the lead handed over in between',
    [users(all), orders(all)],
    async (stage) => {
      const first = await stage.daemon();
      await waitUntil(async () => times(await stage.runs()).length >= 3, 'three times');
      await stage.daemon();
      await first.end();
      const before = times(await stage.runs()).length;
      await waitUntil(async () => times(await stage.runs()).length >= before + 4, 'four more under the other one', 20_000);
      for (const pipeline of ['users', 'orders']) {
        const found = times(await stage.runs(), pipeline);
        assert.equal(found, rising(found[0] ?? 0, found.length));
      }
      assert.is(stage.told.filter((line) => line === 'info: leads').length, 2);
    },
  );

  on('a time that comes while the pipeline is at work is left out with `overlap: skip`, and said', [users()], async (stage) => {
    let letGo = (): void => undefined;
    const gate = new Promise<void>((go) => {
      letGo = go;
    });
    stage.act = async (entry, run) => {
      await run.emit(startOf(entry));
      await gate;
      await run.emit({ type: 'run.succeeded' });
      return 0;
    };
    await stage.daemon();
    await waitUntil(
      async () =>
        (await stage.store.queue?.entries({ limit: 10 }))?.some(
          ({ state, reason }) => state === 'skipped' && reason === 'run RUN0001 was still at work',
        ) === true,
      'one is left out',
    );
    letGo();
    await waitUntil(async () => (await stage.runs()).length >= 2, 'it fires again afterwards');
    const found = times(await stage.runs());
    assert.is(new Set(found).size, found.length);
  });

  on(
    'pipelines that share a table never run at once',
    [users({ overlap: 'queue' }), pipelineOf('users_full', ['users'], { mode: 'full', schedules: everyMinute, overlap: 'queue' })],
    async (stage) => {
      let atWork = 0;
      let most = 0;
      stage.act = async (entry, run) => {
        await run.emit(startOf(entry));
        atWork += 1;
        most = Math.max(most, atWork);
        await stage.minutes(0.2);
        atWork -= 1;
        await run.emit({ type: 'run.succeeded' });
        return 0;
      };
      await stage.daemon();
      await waitUntil(async () => (await stage.runs()).length >= 6, 'six runs', 20_000);
      assert.is(most, 1);
    },
  );

  on('after three days without a daemon the newest time fires, and what was missed is said and kept', [users()], async (stage) => {
    const first = await stage.daemon();
    await waitUntil(async () => times(await stage.runs()).length >= 1, 'the first time');
    await first.end();
    const before = times(await stage.runs()).length;
    stage.clock.shift(3 * 86_400_000);
    await stage.daemon();
    await waitUntil(async () => times(await stage.runs()).length > before, 'the newest time');
    const made = times(await stage.runs()).slice(before);
    assert.ok((made[0] ?? 0) > 3 * 1440, 'nothing of the days before');
    assert.ok(
      stage.told.some((line) => /^warn: users: 1,000 times or more were missed, from 2026-05-04/.test(line)),
      stage.told.join('\n'),
    );
    const left = (await stage.store.queue?.entries({ limit: 99 }))?.filter((entry) => entry.state === 'skipped') ?? [];
    assert.is(left.filter((entry) => /times or more were missed, from .* \(catchup: latest\)$/.test(entry.reason ?? '')).length, 1);
  });

  on('a clock that is set back fires nothing twice, and leaves nothing out', [users(all)], async (stage) => {
    await stage.daemon();
    await waitUntil(async () => times(await stage.runs()).length >= 3, 'three times');
    stage.clock.shift(-2 * minute);
    await waitUntil(async () => times(await stage.runs()).length >= 6, 'three more', 20_000);
    const found = times(await stage.runs());
    assert.equal(found, rising(found[0] ?? 0, found.length));
  });

  on(
    'a changed schedule fires nothing of the past, a removed pipeline nothing at all',
    [users({ schedules: [] }), orders()],
    async (stage) => {
      await stage.daemon();
      await waitUntil(async () => times(await stage.runs(), 'orders').length >= 2, 'two times of the other');
      stage.config = configOf([tableOf('users'), tableOf('orders')], [users()]);
      const now = (stage.clock.now() - Date.parse('2026-05-04T12:00:00Z')) / minute;
      const others = times(await stage.runs(), 'orders').length;
      await waitUntil(async () => times(await stage.runs()).length >= 2, 'times of the new schedule');
      assert.ok(times(await stage.runs()).every((at) => at >= now - 1));
      assert.ok(times(await stage.runs(), 'orders').length <= others + 1);
    },
  );

  on('a schedule that is taken out and put back later fires nothing of the time between', [users(all), orders(all)], async (stage) => {
    await stage.daemon();
    await waitUntil(async () => times(await stage.runs(), 'orders').length >= 1, 'the first time');
    const { config } = stage;
    // One without its schedule, the other one not there at all.
    stage.config = configOf([tableOf('users'), tableOf('orders')], [users({ ...all, schedules: [] })]);
    await stage.minutes(1);
    const outMs = stage.clock.now();
    await stage.minutes(4);
    const backMs = stage.clock.now();
    stage.config = config;
    await waitUntil(
      async () =>
        (await stage.runs()).filter((run) => ['users', 'orders'].includes(run.pipeline) && Date.parse(run.startedAt) > backMs + minute)
          .length >= 4,
      'both fire again',
      20_000,
    );
    const between = (await stage.store.queue?.entries({ limit: 99 }))?.filter((entry) => {
      const atMs = Date.parse(entry.scheduledAt ?? '');
      return atMs > outMs && atMs <= backMs;
    });
    assert.equal(between, []);
  });

  on('a paused pipeline fires nothing, and goes on when it is let go', [users()], async (stage) => {
    await stage.store.queue?.pause('users', 'ada');
    await stage.daemon();
    await waitUntil(
      async () => (await stage.store.queue?.entries({ limit: 10 }))?.some((e) => e.state === 'skipped') === true,
      'a time is left out',
    );
    assert.match((await stage.store.queue?.entries({ limit: 10 }))?.[0]?.reason ?? '', /^paused by ada since /);
    assert.is((await stage.runs()).length, 0);
    await stage.store.queue?.unpause('users');
    await waitUntil(async () => (await stage.runs()).length >= 1, 'it fires again');
  });

  on('a run that could not begin is tried again, then given up with what it said', [users()], async (stage) => {
    const tried: number[] = [];
    stage.act = async (entry) => {
      tried.push(entry.id);
      throw new Error('the source is away');
    };
    await stage.daemon();
    await waitUntil(
      async () => (await stage.store.queue?.entries({ limit: 99 }))?.some((e) => e.state === 'failed') === true,
      'it is given up',
    );
    const failed = (await stage.store.queue?.entries({ limit: 99 }))?.find((e) => e.state === 'failed');
    assert.match(failed?.reason ?? '', /the source is away/);
    assert.is(tried.filter((id) => id === failed?.id).length, 4);
  });

  on('a run that could not begin because something outside was away is tried for longer', [users()], async (stage) => {
    const tried: number[] = [];
    stage.act = async (entry, run) => {
      tried.push(entry.id);
      if (tried.filter((id) => id === entry.id).length < 6) return 3;
      await run.emit(startOf(entry));
      await run.emit({ type: 'run.succeeded' });
      return 0;
    };
    await stage.daemon();
    await waitUntil(async () => (await stage.runs()).some((run) => run.state === 'succeeded'), 'its sixth try');
    assert.is(
      (await stage.store.queue?.entries({ limit: 99 }))?.some((e) => e.state === 'failed'),
      false,
    );
  });

  on('a run whose process died is gone on with, but not for ever', [users({ overlap: 'skip' })], async (stage) => {
    // Its store is closed while the run is at work, as when the process is gone.
    stage.act = async (entry, run) => {
      await run.emit(startOf(entry));
      return null;
    };
    await stage.daemon();
    await waitUntil(
      () => stage.told.some((line) => /is not gone on with: it was interrupted 4 times in a row/.test(line)),
      'it is given up',
      30_000,
    );
    const runs = await stage.runs();
    const resumed = runs.filter((run) => run.retryOf !== undefined);
    assert.ok(resumed.length >= 3);
    assert.is(new Set(resumed.map((run) => run.retryOf)).size, resumed.length, 'each is gone on with once');
  });

  on('a run whose process stands still is gone on with, though the process never ends', [users({ schedules: [] })], async (stage) => {
    stage.act = async (entry, run) => {
      await run.emit(startOf(entry));
      if (entry.kind === 'resume') await run.emit({ type: 'run.succeeded' });
      else {
        await run.freeze();
        await run.stopped;
      }
      return 0;
    };
    await stage.daemon();
    await stage.store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'ada' });
    await waitUntil(
      async () => (await stage.runs()).some((run) => run.retryOf === 'RUN0001' && run.state === 'succeeded'),
      'it is gone on with',
    );
  });

  on(
    'a clock that is set back an hour holds up neither the search for dead runs nor another try',
    [users({ schedules: [] })],
    async (stage) => {
      let tries = 0;
      stage.act = async (entry, run) => {
        tries += 1;
        if (tries === 1) throw new Error('the source is away');
        await run.emit(startOf(entry));
        if (entry.kind === 'trigger') {
          stage.clock.shift(-60 * minute);
          return null;
        }
        await run.emit({ type: 'run.succeeded' });
        return 0;
      };
      await stage.daemon();
      await stage.store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'ada' });
      await waitUntil(async () => (await stage.store.queue?.waiting())?.[0]?.reason?.startsWith('could not begin') === true, 'one try');
      stage.clock.shift(-60 * minute);
      await waitUntil(async () => (await stage.runs()).some((run) => run.retryOf !== undefined && run.state === 'succeeded'), 'it goes on');
    },
  );

  on(
    'told to stop, it waits for its runs; one that takes too long is stopped, and gone on with by the next daemon',
    [users()],
    async (stage) => {
      stage.config = { ...stage.config, daemon: { ...stage.config.daemon, shutdownTimeoutMs: 30_000 } };
      stage.act = async (entry, run) => {
        await run.emit(startOf(entry));
        if (entry.kind === 'fire') {
          await run.stopped;
          await run.emit({ type: 'run.cancelled', reason: 'stopped by SIGTERM' });
          return 143;
        }
        await run.emit({ type: 'run.succeeded' });
        return 0;
      };
      const first = await stage.daemon();
      await waitUntil(async () => (await stage.runs()).length === 1, 'a run at work');
      await first.end();
      const [cancelled] = await stage.runs();
      assert.is(cancelled?.state, 'cancelled');
      await stage.daemon();
      await waitUntil(
        async () => (await stage.runs()).some((run) => run.retryOf === cancelled?.runId && run.state === 'succeeded'),
        'it is gone on with',
      );
    },
  );

  on(
    'a run that whatever stops the daemon has stopped as well is gone on with; one that somebody cancelled is not',
    [users({ schedules: [] }), orders({ schedules: [] })],
    async (stage) => {
      let letGo = (): void => undefined;
      const gate = new Promise<void>((go) => {
        letGo = go;
      });
      stage.act = async (entry, run) => {
        await run.emit(startOf(entry));
        await gate;
        await run.emit({ type: 'run.cancelled', reason: 'stopped by SIGTERM' });
        return 143;
      };
      const daemon = await stage.daemon();
      for (const pipeline of ['users', 'orders']) await stage.store.queue?.add({ pipeline, kind: 'trigger', request: {}, askedBy: 'ada' });
      await waitUntil(async () => (await stage.runs()).length === 2, 'two runs at work');
      const [unasked] = (await stage.runs()).filter((run) => run.pipeline === 'users');
      await stage.store.requestCancel((await stage.runs()).find((run) => run.pipeline === 'orders')?.runId ?? '', 'ada');
      const ending = daemon.end();
      letGo();
      await ending;
      assert.equal(
        (await stage.store.queue?.waiting())?.map(({ kind, retryOf, askedBy }) => [kind, retryOf, askedBy]),
        [['resume', unasked?.runId, 'the daemon was stopped']],
      );
    },
  );

  on('a process that never begins its run is stopped, and its entry is tried again', [users({ schedules: [] })], async (stage) => {
    let tries = 0;
    stage.act = async (entry, run) => {
      tries += 1;
      if (tries === 1) {
        await run.stopped;
        return 143;
      }
      await run.emit(startOf(entry));
      await run.emit({ type: 'run.succeeded' });
      return 0;
    };
    await stage.daemon();
    await stage.store.queue?.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'ada' });
    await waitUntil(async () => tries === 1, 'the first try');
    stage.clock.shift(10 * minute);
    await waitUntil(async () => (await stage.runs())[0]?.state === 'succeeded', 'the second try');
    assert.ok(
      stage.told.some((line) => line.includes('has not begun within 10m: its process is stopped')),
      stage.told.join('\n'),
    );
  });

  on('a daemon that follows one with other schedules says so, one with the same says nothing', [users()], async (stage) => {
    const others = configOf([tableOf('users'), tableOf('orders')], [orders()]);
    await stage.daemon();
    await waitUntil(() => stage.told.includes('info: leads'), 'a leader');
    await stage.daemon();
    await stage.minutes(3);
    assert.not.ok(
      stage.told.some((line) => line.includes('another pipelines.yaml')),
      stage.told.join('\n'),
    );
    await stage.daemon(others);
    await waitUntil(
      () =>
        stage.told.some((line) => /^warn: the daemon that leads goes by another pipelines.yaml: the schedules of orders are/.test(line)),
      'the other one to say it',
    );
  });

  on('a run that somebody else found dead is gone on with all the same', [users({ schedules: [] })], async (stage) => {
    const { queued: _, ...start } = startOf({ pipeline: 'users', kind: 'fire' } as QueueEntry) as EventBody & { readonly queued?: number };
    const at = new Date(stage.clock.now()).toISOString();
    for (const [i, body] of [start as EventBody, { type: 'run.interrupted', reason: 'gone' } as const].entries())
      await stage.store.append([{ seq: i + 1, at, runId: 'DEAD', ...body } as Event]);
    await stage.daemon();
    await waitUntil(
      async () => (await stage.runs()).some((run) => run.retryOf === 'DEAD' && run.state === 'succeeded'),
      'it is gone on with',
    );
  });

  on('runs that ended long ago are removed, a hundred at a time, and that is said once', [users({ schedules: [] })], async (stage) => {
    const entry: QueueEntry = {
      id: 0,
      pipeline: 'users',
      kind: 'trigger',
      request: {},
      askedBy: 'me',
      state: 'queued',
      notedAt: '',
    } as QueueEntry;
    const { queued: _, ...start } = startOf(entry) as EventBody & { readonly queued?: number };
    for (let i = 0; i < 125; i += 1)
      await stage.store.append(
        [start as EventBody, { type: 'run.succeeded' } as const].map(
          (body, n) => ({ seq: n + 1, at: '2026-01-01T00:00:00.000Z', runId: `OLD${String(i).padStart(3, '0')}`, ...body }) as Event,
        ),
      );
    stage.config = {
      ...stage.config,
      state: { type: 'sink', sink: 'warehouse', schema: 'engine', retention: { olderThanMs: 86_400_000, keepRuns: 5 } },
    };
    await stage.daemon();
    await waitUntil(async () => stage.told.some((line) => line.includes('removed')), 'old runs to be removed');
    assert.ok(stage.told.includes('info: removed 120 runs that ended more than 1d ago'), stage.told.join('\n'));
    assert.is((await stage.runs()).length, 5);
  });
});
