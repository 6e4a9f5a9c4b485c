import * as assert from 'uvu/assert';
import type { PipelineConfig, ScheduleConfig } from '../../../engine/config.ts';
import type { NodeRecord, TableHistory } from '../../../engine/history.ts';
import type { Problem } from '../../../engine/problem.ts';
import type { QueueEntry } from '../../../engine/queue.ts';
import type { RunRecord } from '../../../engine/run.ts';
import { leftOut } from '../../../engine/schedule/left-out.ts';
import { ownResumes } from '../../../engine/schedule/own-resumes.ts';
import { type ProblemFacts, problemsOf } from '../../../engine/schedule/problems.ts';
import { configOf, pipelineOf, tableOf } from '../../support/config.ts';
import { suite } from '../../support/suite.ts';

const noon = Date.parse('2026-05-04T12:00:00Z');
/** So many minutes before noon, or after it. */
const at = (minutes: number): string => new Date(noon + minutes * 60_000).toISOString();
const hourly: readonly ScheduleConfig[] = [{ cron: '0 * * * *', timezone: 'UTC', dst: { gap: 'after', fold: 'once' } }];
const noLimits: PipelineConfig['alerts'] = { lateAfterMs: undefined, freshnessMs: undefined, heldForMs: 'maxHold', to: [] };
const minutes = (count: number): number => count * 60_000;

const run = (id: string, state: RunRecord['state'], from: number, to?: number, over: Partial<RunRecord> = {}): RunRecord => ({
  runId: id,
  pipeline: 'users',
  mode: 'incremental',
  state,
  startedAt: at(from),
  endedAt: to === undefined ? undefined : at(to),
  host: 'here',
  pid: 1,
  retryOf: undefined,
  trigger: 'schedule',
  scheduledAt: undefined,
  ...over,
});
const entry = (id: number, state: QueueEntry['state'], noted: number, over: Partial<QueueEntry> = {}): QueueEntry => ({
  id,
  pipeline: 'users',
  kind: 'fire',
  scheduledAt: at(noted),
  retryOf: undefined,
  request: {},
  askedBy: 'schedule',
  state,
  reason: undefined,
  runId: undefined,
  notedAt: at(noted),
  ...over,
});
const resume = (id: number, retryOf: string, askedBy: string, over: Partial<QueueEntry> = {}): QueueEntry =>
  entry(id, 'queued', 0, { kind: 'resume', retryOf, askedBy, scheduledAt: undefined, ...over });
const node = (verb: string, ended: number, facts: NodeRecord['facts']): NodeRecord => ({
  runId: `RUN-${verb}`,
  pipeline: 'users',
  node: `${verb} users`,
  type: `postgres.${verb}`,
  table: 'users',
  state: 'succeeded',
  startedAt: at(ended - 1),
  endedAt: at(ended),
  attempts: 1,
  rows: 1,
  bytes: 1,
  summary: '',
  facts,
});

interface Given {
  readonly pipeline?: Partial<PipelineConfig>;
  readonly others?: readonly PipelineConfig[];
  readonly runs?: readonly RunRecord[];
  readonly entries?: readonly QueueEntry[];
  readonly table?: Pick<TableHistory, 'extract' | 'load' | 'asOf'>;
  readonly over?: Partial<ProblemFacts>;
}

/** Problems at noon of a pipeline `users` that has the table `users`; lists are given newest first. */
function problems({ pipeline = {}, others = [], runs = [], entries = [], table, over = {} }: Given): readonly Problem[] {
  const config = configOf([tableOf('users')], [pipelineOf('users', ['users'], { schedules: hourly, ...pipeline }), ...others]);
  return problemsOf({
    config,
    nowMs: noon,
    runs: new Map([['users', runs]]),
    causes: new Map(),
    entries: new Map([['users', entries]]),
    waiting: entries.filter((e) => e.state === 'queued').reverse(),
    pauses: new Set(),
    leads: true,
    ledUntilMs: noon,
    tables: table === undefined ? new Map() : new Map([['users', { table: 'users', ...table }]]),
    tablesOf: new Map(Object.values(config.pipelines).map((p) => [p.name, p.tables])),
    ...over,
  });
}
const told = (given: Given): readonly string[] => problems(given).map((p) => `${p.key}: ${p.text}`);

suite('problems: failed', ({ test }) => {
  test('the newest run failed: its reason, since the first of the failures in a row', () => {
    const runs = [run('C', 'failed', -10, -9), run('B', 'failed', -70, -69), run('A', 'succeeded', -130, -129)];
    const [problem, ...more] = problems({ runs, over: { causes: new Map([['C', 'load users: the disk is full']]) } });
    assert.equal(problem, {
      key: 'failed:users',
      kind: 'failed',
      severity: 'error',
      pipeline: 'users',
      runId: 'C',
      since: at(-69),
      text: `run C failed at ${at(-9)}, 2 in a row: load users: the disk is full`,
      hint: 'engine logs C shows what happened; engine retry C goes on from it.',
    });
    assert.is(more.length, 0);
  });

  test('over with a run that succeeds, and not with one that is at work or was cancelled', () => {
    const failed = run('A', 'failed', -70, -69);
    assert.equal(told({ runs: [run('B', 'succeeded', -10, -9), failed] }), []);
    assert.equal(told({ runs: [run('B', 'running', -10), failed] }), ['failed:users: run A failed']);
    assert.equal(told({ runs: [run('B', 'cancelled', -10, -9), failed] }), ['failed:users: run A failed']);
    assert.equal(told({ runs: [run('B', 'cancelled', -10, -9)] }), []);
  });

  test('a run that the daemon goes on with by itself is none, all along the row of them, until that ends badly', () => {
    const died = run('A', 'interrupted', -10, -9);
    assert.equal(told({ runs: [died] }), ['failed:users: run A was interrupted']);
    assert.equal(told({ runs: [died], entries: [resume(2, 'A', ownResumes.died)] }), []);
    const refused = run('B', 'failed', -8, -7, { retryOf: 'A' });
    const entries = [
      resume(3, 'B', ownResumes.refused, { state: 'started', runId: 'C' }),
      resume(2, 'A', ownResumes.died, { state: 'started', runId: 'B' }),
    ];
    assert.equal(told({ runs: [run('C', 'running', -6), refused, died], entries }), []);
    assert.equal(told({ runs: [run('C', 'succeeded', -6, -5), refused, died], entries }), []);
    assert.equal(told({ runs: [run('C', 'failed', -6, -5), refused, died], entries }), ['failed:users: run C failed']);
  });

  test('one that the daemon goes on with repairs no older failure', () => {
    const runs = [run('B', 'interrupted', -10, -9), run('A', 'failed', -70, -69)];
    assert.equal(told({ runs, entries: [resume(2, 'B', ownResumes.died)] }), ['failed:users: run A failed']);
  });

  test('one that somebody goes on with stays a problem until that succeeds', () => {
    const runs = [run('A', 'failed', -10, -9)];
    assert.equal(told({ runs, entries: [resume(2, 'A', 'ada')] }), ['failed:users: run A failed']);
    const trying = [run('B', 'running', -1, undefined, { retryOf: 'A' }), ...runs];
    assert.equal(told({ runs: trying, entries: [resume(2, 'A', 'ada', { state: 'started', runId: 'B' })] }), [
      'failed:users: run A failed',
    ]);
  });

  test('a run that could not begin, until a later one succeeds', () => {
    const entries = [entry(1, 'failed', -10, { reason: 'the source is away' })];
    assert.equal(told({ runs: [run('A', 'succeeded', -70, -69)], entries }), ['failed:users: a run could not begin: the source is away']);
    assert.equal(told({ runs: [run('B', 'succeeded', -5, -4)], entries }), []);
  });
});

suite('problems: late', ({ test }) => {
  const pipeline = { alerts: { ...noLimits, lateAfterMs: minutes(30) } };

  test('a run that takes longer than `lateAfter`, and none without that key', () => {
    const runs = [run('A', 'running', -31)];
    const [problem] = problems({ pipeline, runs });
    assert.is(problem?.text, 'run A takes 31 m 0 s, longer than 30 m 0 s');
    assert.is(problem?.since, at(-1));
    assert.is(problem?.severity, 'warning');
    assert.equal(told({ pipeline, runs: [run('A', 'running', -29)] }), []);
    assert.equal(told({ runs }), []);
  });

  test('an entry that waits as long says what for', () => {
    const entries = [entry(1, 'queued', -31, { reason: 'waits for run X (orders), which has table users' })];
    assert.equal(told({ pipeline, entries }), [
      `late:users: the run of ${at(-31)} has waited for 31 m 0 s, longer than 30 m 0 s: waits for run X (orders), which has table users`,
    ]);
  });

  test('what is at work in a paused pipeline may be late: pausing stops no run', () => {
    const runs = [run('A', 'running', -31)];
    assert.equal(told({ pipeline: { ...pipeline, paused: true }, runs }), ['late:users: run A takes 31 m 0 s, longer than 30 m 0 s']);
  });

  test('the wait in the queue counts on into the work, so that it does not stop being late by beginning', () => {
    const entries = [entry(1, 'started', -31, { runId: 'A' })];
    assert.equal(told({ pipeline, runs: [run('A', 'running', -1)], entries }), [
      `late:users: run A takes 31 m 0 s, longer than 30 m 0 s, at work since ${at(-1)}`,
    ]);
    assert.equal(told({ pipeline, runs: [run('A', 'succeeded', -1, 0)], entries }), []);
  });
});

suite('problems: missed', ({ test }) => {
  test('nothing made up for a time, until a run begins after it, whoever started it', () => {
    const entries = [entry(1, 'skipped', -60, { reason: `the time ${at(-60)} was missed (catchup: "none")` })];
    const before = run('A', 'succeeded', -120, -119);
    assert.equal(told({ runs: [before], entries }), [
      `missed:users: nothing ran for the time ${at(-60)}: the time ${at(-60)} was missed (catchup: "none")`,
    ]);
    assert.equal(told({ runs: [before], entries: [resume(2, 'A', 'ada'), ...entries] }), [], 'one waits');
    assert.equal(told({ runs: [run('B', 'running', -5, undefined, { trigger: 'cli' }), before], entries }), []);
  });

  test('a time that came while the pipeline was at work, until two runs have begun and an hour has gone by', () => {
    const skipped = (minutesAgo: number): QueueEntry => entry(1, 'skipped', -minutesAgo, { reason: leftOut.atWork('A') });
    const long = run('A', 'succeeded', -90, -30);
    const [problem] = problems({ runs: [run('B', 'running', -5), long], entries: [skipped(59)] });
    assert.match(problem?.text ?? '', /run A was still at work$/);
    assert.match(problem?.hint ?? '', /overlap: queue/);
    assert.is(told({ runs: [run('C', 'running', -5), run('B', 'succeeded', -20, -19), long], entries: [skipped(59)] }).length, 1);
    assert.is(told({ runs: [run('B', 'running', -5), long], entries: [skipped(61)] }).length, 1);
    assert.is(told({ runs: [run('C', 'running', -5), run('B', 'succeeded', -20, -19), long], entries: [skipped(61)] }).length, 0);
  });

  test('paused, or left out because a run waited that begins later: no problem', () => {
    const left = (reason: string): readonly QueueEntry[] => [entry(1, 'skipped', -60, { reason })];
    assert.equal(told({ entries: left(leftOut.paused('ada', at(-99))) }), []);
    assert.equal(told({ entries: left(leftOut.pausedInFile) }), []);
    assert.equal(told({ entries: left(leftOut.waiting) }), []);
    assert.equal(told({ entries: left(leftOut.atWork('A')), over: { pauses: new Set(['users']) } }), []);
  });
});

suite('problems: held', ({ test }) => {
  const extract = (facts: NodeRecord['facts']): NonNullable<Given['table']> => ({
    extract: node('extract', -60, { version: 1, extractedAt: at(-60), ...facts }),
    load: undefined,
    asOf: undefined,
  });
  const holder = 'pid 7 (app, checkout), since then';

  test('the newest extract found the fence held for longer than `heldFor`, else than `maxHold`: by whom', () => {
    const table = extract({ fence: at(-75), heldBy: holder });
    const pipeline = { alerts: { ...noLimits, heldForMs: minutes(10) } };
    assert.equal(told({ pipeline, table }), [`held:users: the fence is held back for longer than 10 m 0 s by ${holder}`]);
    assert.equal(told({ table }), [], 'maxHold is an hour');
    assert.is(told({ table: extract({ fence: at(-130), heldBy: holder }) }).length, 1);
    assert.equal(
      told({ pipeline: { alerts: { ...noLimits, heldForMs: undefined } }, table: extract({ fence: at(-999), heldBy: holder }) }),
      [],
    );
  });

  test('how long ago that extract was does not count, nor how long ago the one before, where the holder is known', () => {
    const pipeline = { alerts: { ...noLimits, heldForMs: minutes(10) } };
    assert.equal(told({ pipeline, table: extract({ fence: at(-61), heldBy: holder }) }), []);
    assert.equal(told({ pipeline, table: extract({ fence: at(-1440), heldBy: holder, heldSince: at(-61) }) }), []);
    assert.is(told({ pipeline, table: extract({ fence: null, heldBy: holder, heldSince: at(-75) }) }).length, 1);
  });

  test('over when an extract finds nobody; none for a table that is only taken whole', () => {
    const pipeline = { alerts: { ...noLimits, heldForMs: minutes(10) } };
    assert.equal(told({ pipeline, table: extract({ fence: at(-999), heldBy: null }) }), []);
    assert.equal(told({ pipeline: { ...pipeline, mode: 'full' }, table: extract({ fence: at(-75), heldBy: holder }) }), []);
  });
});

suite('problems: stale', ({ test }) => {
  const pipeline = { alerts: { ...noLimits, freshnessMs: minutes(15) } };
  const table = (read: number, fence: number, loadedVersion = 4): NonNullable<Given['table']> => ({
    extract: node('extract', read + 1, { version: 4, extractedAt: at(read), fence: at(fence), heldBy: null }),
    load: node('load', read + (loadedVersion === 4 ? 2 : -10), { lakeVersion: loadedVersion }),
    asOf: loadedVersion === 4 ? at(read) : at(-40),
  });

  test('staging is older than `freshness`', () => {
    const [problem] = problems({ pipeline, table: table(-16, -16) });
    assert.is(problem?.text, `staging is as of ${at(-16)}, 16 m 0 s ago, longer than 15 m 0 s`);
    assert.is(problem?.since, at(-1));
    assert.is(problem?.severity, 'error');
    assert.equal(told({ pipeline, table: table(-14, -14) }), []);
    assert.equal(told({ table: table(-999, -999) }), [], 'no limit');
  });

  test('a fence that is held back makes nothing older: the snapshot counts that was loaded', () => {
    assert.equal(told({ pipeline, table: table(-5, -40) }), []);
  });

  test('what was extracted and is not loaded counts for nothing', () => {
    assert.match(
      told({ pipeline, table: table(-5, -5, 3) })[0] ?? '',
      /^stale:users: staging is as of .*; what was extracted since is not loaded$/,
    );
  });

  test('the strictest pipeline counts that is not paused', () => {
    const loose = pipelineOf('weekly', ['users'], { alerts: { ...noLimits, freshnessMs: minutes(10_000) } });
    assert.is(told({ pipeline, others: [loose], table: table(-16, -16) }).length, 1);
    assert.equal(told({ pipeline: { ...pipeline, paused: true }, others: [loose], table: table(-16, -16) }), []);
  });
});

suite('problems: silent', ({ test }) => {
  test('no daemon leads although pipelines have schedules, since one last looked', () => {
    const over = { leads: false, ledUntilMs: noon - minutes(7) };
    const [problem] = problems({ over });
    assert.is(problem?.text, 'no daemon is there: 1 pipeline with a schedule will not fire');
    assert.is(problem?.since, at(-7));
    assert.equal(told({ pipeline: { schedules: [] }, over }), []);
    assert.equal(told({ pipeline: { paused: true }, over }), []);
    assert.equal(told({ over: { ...over, pauses: new Set(['users']) } }), []);
  });
});

suite('problems: their order', ({ test }) => {
  test('the worst first', () => {
    const given: Given = {
      pipeline: { alerts: { lateAfterMs: minutes(1), freshnessMs: minutes(15), heldForMs: minutes(1), to: [] } },
      runs: [run('C', 'running', -5), run('B', 'failed', -70, -69), run('A', 'succeeded', -130, -129)],
      entries: [entry(1, 'skipped', -3, { reason: leftOut.atWork('C') })],
      table: {
        extract: node('extract', -60, { version: 1, extractedAt: at(-60), fence: at(-90), heldBy: 'pid 7' }),
        load: undefined,
        asOf: at(-60),
      },
      over: { leads: false },
    };
    assert.equal(
      problems(given).map((p) => p.key),
      ['silent', 'failed:users', 'stale:users', 'missed:users', 'late:users', 'held:users'],
    );
  });
});
