import * as assert from 'uvu/assert';
import { systemClock } from '../../../engine/base/clock.ts';
import type { Event, EventBody } from '../../../engine/event.ts';
import { leadership } from '../../../engine/schedule/leadership.ts';
import { readProblemFacts } from '../../../engine/schedule/problem-facts.ts';
import { problemsOf } from '../../../engine/schedule/problems.ts';
import type { Store } from '../../../engine/store.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import { createPostgresStore } from '../../../engine/stores/postgres.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');
const at = (minutes: number): string => new Date(noon + minutes * 60_000).toISOString();
const limits = { lateAfterMs: undefined, freshnessMs: 900_000, heldForMs: 600_000, to: [] };

/** A run of the pipeline that has the table `audit_log`, which failed or succeeded. */
async function append(store: Store, pipeline: string, runId: string, from: number, last: EventBody): Promise<void> {
  const bodies: readonly EventBody[] = [
    {
      type: 'run.started',
      pipeline,
      mode: 'incremental',
      trigger: 'schedule',
      nodes: ['extract', 'load'].map((verb) => ({
        id: `${verb} audit_log`,
        type: `postgres.${verb}`,
        table: 'audit_log',
        unit: verb,
        needs: [],
      })),
      engine: 'test',
      host: 'here',
      pid: 1,
      request: {},
    },
    {
      type: 'node.succeeded',
      node: 'extract audit_log',
      result: {
        summary: '',
        facts: { version: 3, fence: at(from - 20), extractedAt: at(from), heldBy: 'pid 7', heldSince: at(from - 20) },
      },
    },
    { type: 'node.succeeded', node: 'load audit_log', result: { summary: '', facts: { lakeVersion: 3 } } },
    last,
  ];
  await store.append(bodies.map((body, i): Event => ({ seq: i + 1, at: at(from + i / 60), runId, ...body })));
}

const failure: EventBody = {
  type: 'run.failed',
  error: { code: 'x', trouble: 'failed', message: 'dbt: not unique', retryable: false },
};

suite('what problems are told from', ({ test, before, after }) => {
  let database: TestDatabase;
  let store: Store;
  before(async () => {
    database = await freshDatabase('problems');
    store = createPostgresStore({ connect: () => database.client(), schema: 'engine', clock: systemClock });
    await store.migrate();
  });
  after(async () => {
    await store.close();
    await database.drop();
  });
  const config = configOf([tableOf('users')], [pipelineOf('all', ['public.*'], { alerts: limits }), pipelineOf('new', ['users'])]);

  test('runs with their causes, tables that a pattern names, the queue, pauses and the leader come from the store', async () => {
    await append(store, 'all', 'A', -60, failure);
    await store.queue?.add({ pipeline: 'all', kind: 'resume', retryOf: 'A', request: {}, askedBy: 'ada' });
    await store.queue?.pause('new', 'grace');
    const facts = await readProblemFacts(store, config, noon);
    assert.is(facts.leads, false);
    assert.equal([...facts.pauses], ['new']);
    assert.equal(
      facts.waiting.map((e) => e.retryOf),
      ['A'],
    );
    assert.equal(
      problemsOf(facts).map((p) => `${p.key}: ${p.text}`),
      [
        'failed:all: run A failed: dbt: not unique',
        `stale:audit_log: staging is as of ${at(-60)}, 1 h 0 m ago, longer than 15 m 0 s`,
        'held:audit_log: the fence is held back for longer than 10 m 0 s by pid 7',
      ],
    );
    const lead = await store.lease(leadership, { runId: 'daemon-1', host: 'here', pid: 1 });
    await store.queue?.decide(lead, { pipeline: 'all', mark: { schedules: {}, seenUntilMs: noon - 5 }, fires: [] });
    const later = await readProblemFacts(store, config, noon);
    assert.equal([later.leads, later.ledUntilMs], [true, noon - 5]);
  });

  test('what somebody has read already is not read again, and tells the same', async () => {
    const { history } = store;
    if (history === undefined) throw new Error('a store on Postgres has a history');
    const unasked = (): never => {
      throw new Error('it is known');
    };
    const known = {
      pipelines: await history.pipelines(['all', 'new'], { runs: 30, sinceMs: noon }),
      tables: await history.tables(['audit_log', 'users']),
    };
    const blind = { ...store, history: { ...history, pipelines: unasked, tables: unasked } };
    const problems = problemsOf(await readProblemFacts(store, config, noon));
    assert.is(problems.length > 0, true);
    assert.equal(problemsOf(await readProblemFacts(blind, config, noon, known)), problems);
  });

  test('a store that keeps less tells what it can, and none tells of nothing', async () => {
    const memory = createMemoryStore(systemClock);
    await append(memory, 'all', 'A', -60, failure);
    const problems = problemsOf(await readProblemFacts(memory, config, noon));
    assert.equal(
      problems.map((p) => p.text),
      ['run A failed: dbt: not unique'],
    );
    await memory.close();
    assert.equal(problemsOf(await readProblemFacts(undefined, config, noon)), []);
  });
});
