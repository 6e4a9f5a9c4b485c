import fastify, { type FastifyInstance } from 'fastify';
import * as assert from 'uvu/assert';
import type { Config } from '../../../engine/config.ts';
import { EngineError } from '../../../engine/error.ts';
import type { EventBody } from '../../../engine/event.ts';
import type { History } from '../../../engine/history.ts';
import type { Problem } from '../../../engine/problem.ts';
import type { Queue } from '../../../engine/queue.ts';
import { type MetricsParts, metricsRoutes } from '../../../engine/serve/metrics.ts';
import { createPulse, type Pulse } from '../../../engine/serve/pulse.ts';
import type { Store } from '../../../engine/store.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { createTestClock, type TestClock } from '../../support/clock.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { hasPromtool, promtool, readExposition, type Sample } from '../../support/exposition.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const odd = 'a "quoted" \\ name\nin two lines <b>';
const startMs = Date.parse('2026-05-04T12:00:00Z');
const config = configOf(
  [tableOf('users'), tableOf(odd)],
  [
    pipelineOf('users', ['users'], {
      alerts: { lateAfterMs: undefined, freshnessMs: 3_600_000, heldForMs: undefined, to: [] },
      schedules: [{ cron: '0 13 * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } }],
    }),
    pipelineOf(odd, [odd]),
    pipelineOf('pattern', ['public.*'], { mode: 'full', paused: true }),
  ],
);

interface Daemon {
  readonly server: FastifyInstance;
  readonly pulse: Pulse;
  readonly told: string[];
  scrape(): Promise<string>;
}

function find(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samples.filter((s) => s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value));
  assert.ok(found.length <= 1, `${name} ${JSON.stringify(labels)} is one series: ${JSON.stringify(found)}`);
  return found[0]?.value;
}

suite('metrics', ({ test, before, after, skip }) => {
  let database: TestDatabase;
  let store: Store;
  let history: History;
  let queue: Queue;
  let clock: TestClock;
  before(async () => {
    database = await freshDatabase('metrics');
    clock = createTestClock(startMs);
    store = createPostgresStore({ connect: () => database.client(), schema: 'engine', clock });
    await store.migrate();
    if (store.history === undefined || store.queue === undefined) throw new Error('no history');
    history = store.history;
    queue = store.queue;
    await run('r1', 'users', ['users'], 40, [], { type: 'run.succeeded' });
    await run('r2', 'users', ['users'], 4, [], {
      type: 'run.failed',
      error: { code: 'x', trouble: 'failed', message: 'x', retryable: false },
    });
    await run('r3', odd, [odd], 2, [], { type: 'run.succeeded' });
    await run('r4', 'pattern', ['found_by_it'], 2, [], { type: 'run.succeeded' });
    await run('r5', 'gone', ['users'], 2, [], { type: 'run.succeeded' });
    await queue.add({ pipeline: 'users', kind: 'trigger', request: {}, askedBy: 'a test' });
  });
  after(async () => {
    await store.close();
    await database.drop();
  });

  /** A whole run: of each table an extract in two tries and a load. */
  async function run(
    runId: string,
    pipeline: string,
    tables: readonly string[],
    seconds: number,
    more: readonly EventBody[],
    end: EventBody,
  ): Promise<void> {
    const nodes = tables.flatMap((table) => [
      { id: `extract ${table}`, type: 'postgres.extract', table, unit: `extract ${table}`, needs: [] },
      { id: `load ${table}`, type: 'postgres.load', table, unit: `load ${table}`, needs: [`extract ${table}`] },
    ]);
    const started: EventBody = {
      type: 'run.started',
      pipeline,
      mode: 'incremental',
      trigger: 'cli',
      nodes,
      engine: 't',
      host: 'h',
      pid: 1,
      request: {},
    };
    const bodies = tables.flatMap((table): EventBody[] => [
      { type: 'node.started', node: `extract ${table}`, attempt: 1 },
      { type: 'node.started', node: `extract ${table}`, attempt: 2 },
      {
        type: 'node.succeeded',
        node: `extract ${table}`,
        result: {
          summary: '',
          rows: 10,
          bytes: 1_000,
          facts: {
            version: 1,
            fence: '2026-05-04T11:00:00.000000Z',
            extractedAt: '2026-05-04T11:59:00.500000Z',
            heldBy: table === odd ? 'pid 7' : null,
          },
        },
      },
      { type: 'node.started', node: `load ${table}`, attempt: 1 },
      { type: 'node.succeeded', node: `load ${table}`, result: { summary: '', rows: 8, facts: { lakeVersion: 1 } } },
    ]);
    const all = [started, ...bodies, ...more];
    const events = all.map((body, i) => ({ seq: i + 1, at: new Date(startMs).toISOString(), runId, ...body }));
    await store.append([...events, { seq: all.length + 1, at: new Date(startMs + seconds * 1_000).toISOString(), runId, ...end }]);
  }

  const daemon = (over: Partial<MetricsParts> = {}): Daemon => {
    const server = fastify();
    const pulse = createPulse(clock);
    const told: string[] = [];
    const problem: Problem = { key: 'failed:users', kind: 'failed', severity: 'error', since: '', text: '', hint: '' };
    const parts: MetricsParts = {
      store,
      history,
      queue,
      clock,
      pulse,
      engine: '1.2.3',
      config: async (): Promise<Config> => config,
      problems: async () => [problem],
      tell: (_level, text) => told.push(text),
      ...over,
    };
    metricsRoutes(server, parts);
    return {
      server,
      pulse,
      told,
      async scrape() {
        const { statusCode, body, headers } = await server.inject('/metrics');
        assert.is(statusCode, 200);
        assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
        return body;
      },
    };
  };

  test('what runs did is told by pipeline and table, and Prometheus can read it, whatever their names', async () => {
    const { scrape, pulse } = daemon();
    pulse.turned(true);
    const samples = await readExposition(await scrape());
    const is = (value: number | undefined, name: string, labels?: Readonly<Record<string, string>>): void =>
      assert.is(find(samples, name, labels), value, `${name} ${JSON.stringify(labels ?? {})}`);
    is(1, 'engine_build_info', { version: '1.2.3' });
    is(1, 'engine_store_up');
    is(1, 'engine_leader');
    is(1, 'engine_queue_length');
    is(0, 'engine_live_runs');
    is(1, 'engine_problems', { kind: 'failed' });
    is(0, 'engine_problems', { kind: 'stale' });
    is(1, 'engine_runs_total', { pipeline: 'users', state: 'succeeded' });
    is(1, 'engine_runs_total', { pipeline: 'users', state: 'failed' });
    is(0, 'engine_runs_total', { pipeline: 'users', state: 'interrupted' });
    is(1, 'engine_runs_total', { pipeline: odd, state: 'succeeded' });
    is(undefined, 'engine_runs_total', { pipeline: 'gone', state: 'succeeded' });
    is(20, 'engine_node_rows_total', { pipeline: 'users', table: 'users', type: 'postgres.extract' });
    is(16, 'engine_node_rows_total', { pipeline: 'users', table: 'users', type: 'postgres.load' });
    is(2_000, 'engine_node_bytes_total', { pipeline: 'users', table: 'users', type: 'postgres.extract' });
    is(2, 'engine_node_retries_total', { pipeline: 'users', type: 'postgres.extract' });
    is(10, 'engine_node_rows_total', { pipeline: 'pattern', table: 'found_by_it', type: 'postgres.extract' });
    is(0, 'engine_run_duration_seconds_bucket', { pipeline: 'users', le: '30' });
    is(1, 'engine_run_duration_seconds_bucket', { pipeline: 'users', le: '60' });
    is(1, 'engine_run_duration_seconds_bucket', { pipeline: 'users', le: '+Inf' });
    is(40, 'engine_run_duration_seconds_sum', { pipeline: 'users' });
    is(1, 'engine_run_duration_seconds_count', { pipeline: 'users' });
    is(startMs / 1000 + 40, 'engine_pipeline_last_success_timestamp_seconds', { pipeline: 'users' });
    is(startMs / 1000 + 3600, 'engine_pipeline_next_fire_timestamp_seconds', { pipeline: 'users' });
    is(1, 'engine_pipeline_paused', { pipeline: 'pattern' });
    is(0, 'engine_pipeline_paused', { pipeline: 'users' });
    is(59.5, 'engine_table_lag_seconds', { table: 'users' });
    is(59.5, 'engine_table_lag_seconds', { table: 'found_by_it' });
    is(3_600, 'engine_table_lag_limit_seconds', { table: 'users' });
    is(0, 'engine_alarms_unsent');
    is(startMs / 1000, 'engine_table_last_load_timestamp_seconds', { table: 'users' });
    is(0, 'engine_table_fence_held_seconds', { table: 'users' });
    is(3_540.5, 'engine_table_fence_held_seconds', { table: odd });
    assert.ok((find(samples, 'process_resident_memory_bytes') ?? 0) > 10_000_000);
    assert.equal(
      samples.filter((s) => s.type === 'counter' && s.name.startsWith('engine_') && !s.name.endsWith('_total')),
      [],
    );
  });

  test('what was read is shown for three seconds, and no series grows with what nobody configured', async () => {
    const { scrape } = daemon();
    await scrape();
    await run(`r${clock.now()}`, 'users', ['users'], 5, [], { type: 'run.succeeded' });
    for (let i = 0; i < 20; i += 1) await run(`x${i}`, `hand ${i}`, [`made ${i}`], 5, [], { type: 'run.succeeded' });
    const before = await scrape();
    await clock.advance(3_000);
    const now = await scrape();
    const count = (text: string): string | undefined => /engine_runs_total\{pipeline="users",state="succeeded"\} (\d+)/.exec(text)?.[1];
    assert.equal([count(before), count(now)], ['1', '2']);
    assert.not.match(now, /"hand |"made /);
    assert.match(now, /engine_queue_oldest_seconds 3\n/);
  });

  test('two daemons, and one after the other, tell the same counts', async () => {
    const [one, two] = [daemon(), daemon()];
    one.pulse.turned(true);
    const counts = (text: string): readonly string[] =>
      text.split('\n').filter((line) => /^engine_\w+_(total|bucket|sum|count)\b/.test(line));
    const of = counts(await one.scrape());
    assert.ok(of.length > 20);
    assert.equal(counts(await two.scrape()), of);
    assert.match(await two.scrape(), /engine_leader 0\n/);
  });

  test('a store that fails is told as such, once in the log; what the process knows is told all the same', async () => {
    let failing = true;
    const broken = daemon({
      history: {
        ...history,
        totals: async () => {
          if (failing) throw new EngineError('outside', 'store.failed', 'the state store failed');
          return history.totals();
        },
      },
    });
    broken.pulse.turned(true);
    for (let i = 0; i < 2; i += 1) {
      const samples = await readExposition(await broken.scrape());
      assert.is(find(samples, 'engine_store_up'), 0);
      assert.is(find(samples, 'engine_leader'), 1);
      assert.equal(
        samples.filter((s) => s.name === 'engine_runs_total'),
        [],
        'no zeros, which would be counts that fell',
      );
      assert.ok((find(samples, 'process_resident_memory_bytes') ?? 0) > 0);
      await clock.advance(3_000);
    }
    assert.equal(broken.told, ['metrics without the store: the state store failed']);
    failing = false;
    broken.pulse.turned(true);
    assert.match(await broken.scrape(), /engine_store_up 1\n/);
  });

  test('problems are those that the scrape before has read; after two minutes they are waited for', async () => {
    let kind: Problem['kind'] = 'failed';
    let asked = 0;
    const told = daemon({
      problems: async () => {
        asked += 1;
        return [{ key: kind, kind, severity: 'error', since: '', text: '', hint: '' }];
      },
    });
    const open = async (): Promise<readonly string[]> =>
      [...(await told.scrape()).matchAll(/engine_problems\{kind="(\w+)"\} 1\n/g)].map(([, found = '']) => found);
    assert.equal(await open(), ['failed']);
    kind = 'stale';
    await clock.advance(15_000);
    assert.equal(await open(), ['failed']);
    await clock.advance(15_000);
    assert.equal(await open(), ['stale']);
    kind = 'held';
    await clock.advance(121_000);
    assert.equal([await open(), asked], [['held'], 4]);
  });

  test('a store that hangs is asked once, and the scrape is answered in five seconds', async () => {
    let asked = 0;
    const hanging = daemon({
      history: {
        ...history,
        totals: () => {
          asked += 1;
          return new Promise(() => undefined);
        },
      },
    });
    for (let i = 0; i < 3; i += 1) {
      const scrape = hanging.scrape();
      await clock.sleeping(5_000);
      await clock.advance(5_000);
      assert.match(await scrape, /engine_store_up 0\n/);
    }
    assert.is(asked, 1);
  });

  if (hasPromtool())
    test('promtool finds nothing to say about names, types and units', async () => {
      const { scrape, pulse } = daemon();
      pulse.turned(true);
      const own = (await scrape()).split('\n').filter((line) => /^(# (HELP|TYPE) )?engine_/.test(line));
      assert.is(promtool(['check', 'metrics'], `${own.join('\n')}\n`), '');
    });
  else skip('promtool finds nothing to say about names, types and units', 'there is no promtool on the PATH');
});
