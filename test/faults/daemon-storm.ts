import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { createRandom, type Random } from '../../generators/random.ts';
import { openClusters, type TestCluster } from '../support/cluster.ts';
import { freshDatabase } from '../support/postgres.ts';
import { createRig, type Rig, type Running } from '../support/rig.ts';
import { waitUntil } from '../support/wait.ts';
import { openPostgresProxy, type PostgresProxy } from './tcp-proxy.ts';

export interface DaemonStormOptions {
  readonly minutes: number;
  /** Each with a table of its own, fired every minute; two more share one table. */
  readonly pipelines: number;
  readonly seed: number;
  /** A takeover that takes longer is wrong; a machine that does other things as well needs more than the goal of 15. */
  readonly takeoverSeconds: number;
  readonly say: (line: string) => void;
}

/** What was counted, and what was wrong. */
export interface DaemonStormResult {
  readonly fires: number;
  readonly runs: number;
  readonly resumed: number;
  readonly strikes: Readonly<Record<string, number>>;
  /** From the end of a leader to the next one's first word, in s. */
  readonly takeovers: readonly number[];
  readonly wrong: readonly string[];
}

const daemons = 2;

/** Two daemons on one store that are killed, stopped and cut off at random while many pipelines fire each minute; then quiet, and every time is looked at. */
export async function daemonStorm(options: DaemonStormOptions): Promise<DaemonStormResult> {
  const random = createRandom(options.seed, 'daemon storm');
  const source = await freshDatabase('fires');
  const warehouse = await freshDatabase('fires_dw');
  const clusters = await openClusters();
  const state = await openState(await clusters.create('state', { max_connections: '100' }));
  const { proxy } = state;
  const from = await source.client();
  const tables = Array.from({ length: options.pipelines }, (_, i) => `t${i}`);
  for (const table of [...tables, 'shared'])
    await from.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO ${table} SELECT g FROM generate_series(1, 20) g`,
    );
  const rig = await createRig({ 'pipelines.yaml': project(tables) });
  Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url, STATE_URL: state.url });
  const strikes: Record<string, number> = {};
  const takeovers: number[] = [];
  const running: Running[] = [];
  try {
    for (let i = 0; i < daemons; i += 1) running.push(rig.start('daemon', '--json'));
    const endAt = Date.now() + options.minutes * 60_000;
    while (Date.now() < endAt) {
      await waitUntil(() => Date.now() >= endAt, 'the next strike', 5_000 + random.below(10_000)).catch(() => undefined);
      await strike({ random, rig, running, state, strikes, takeovers });
    }
    options.say('quiet: what waits is run');
    // Between two minutes, so that no time comes while they are told to stop.
    const between = (): boolean => Date.now() % 60_000 > 5_000 && Date.now() % 60_000 < 50_000;
    await waitUntil(async () => between() && (await settled(state)), 'all that was due to be run', 240_000);
    for (const daemon of running) daemon.kill('SIGTERM');
    for (const daemon of running) await daemon.ended;
    return {
      ...(await judge(state)),
      strikes,
      takeovers,
      wrong: [...(await wrongIn(state, [...tables, 'shared_a', 'shared_b'])), ...late(takeovers, options.takeoverSeconds)],
    };
  } finally {
    await rig.cleanup();
    await proxy.close();
    await clusters.close();
    await source.drop();
    await warehouse.drop();
  }
}

function project(tables: readonly string[]): string {
  const pipeline = (name: string, table: string): string => `  ${name}: { mode: incremental, tables: [${table}] }`;
  return `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
state: { url: "\${STATE_URL}" }
daemon: { maxConcurrentRuns: 4, shutdownTimeout: 30s }
defaults:
  key: id
  cursor: updated_at
  schedule: "* * * * *"
  overlap: queue
  catchup: { window: 1h, max: 1000 }
  retries: { attempts: 5, delay: 500ms }
tables: { ${[...tables, 'shared'].map((table) => `${table}: {}`).join(', ')} }
pipelines:
${[...tables.map((table) => pipeline(table, table)), pipeline('shared_a', 'shared'), pipeline('shared_b', 'shared')].join('\n')}
`;
}

/** The server that the daemons share, which can be restarted, and a proxy before it, whose address stays. */
interface State {
  /** For the daemons: by the proxy. */
  readonly url: string;
  readonly proxy: PostgresProxy;
  query<T extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<T>>;
  restart(): Promise<void>;
}

async function openState(cluster: TestCluster): Promise<State> {
  let client = await cluster.client();
  const portNow = (): number => Number(new URL(cluster.url()).port);
  const target = { host: '127.0.0.1', port: portNow() };
  const proxy = await openPostgresProxy(target);
  return {
    url: proxy.url(cluster.url()),
    proxy,
    query: (sql) => client.query(sql),
    async restart() {
      await cluster.stop();
      await cluster.start();
      target.port = portNow();
      client = await cluster.client();
    },
  };
}

interface Scene {
  readonly random: Random;
  readonly rig: Rig;
  readonly running: Running[];
  readonly state: State;
  readonly strikes: Record<string, number>;
  readonly takeovers: number[];
}

/** One thing goes wrong, and is over a few seconds later. */
async function strike({ random, rig, running, state, strikes, takeovers }: Scene): Promise<void> {
  const kind = random.pick(['kill', 'kill', 'stop', 'store away', 'restart the store', 'kill the other', 'kill a run', 'kill a run']);
  strikes[kind] = (strikes[kind] ?? 0) + 1;
  const pid = await leaderPid(state);
  const leader = running.find((daemon) => daemon.pid === pid);
  if (kind === 'store away') {
    state.proxy.strike({ match: /./, act: 'go away', forMs: 2_000 });
    await state.proxy.back();
    return;
  }
  if (kind === 'restart the store') return state.restart();
  if (kind === 'kill a run') {
    const { rows } = await state.query<{ pid: number }>(
      `SELECT pid FROM engine.runs WHERE state = 'running' ORDER BY started_at DESC LIMIT 1`,
    );
    if (rows[0] !== undefined && isEngine(rows[0].pid)) process.kill(rows[0].pid, 'SIGKILL');
    return;
  }
  const victim = kind === 'kill the other' ? running.find((daemon) => daemon.pid !== pid) : leader;
  if (victim === undefined) return;
  const began = Date.now();
  const taken = async (): Promise<void> => {
    await waitUntil(async () => ![undefined, victim.pid].includes(await leaderPid(state)), 'another one to lead', 30_000);
    if (victim === leader) takeovers.push((Date.now() - began) / 1000);
  };
  if (kind === 'stop') {
    victim.kill('SIGSTOP');
    await taken();
    victim.kill('SIGCONT');
    return;
  }
  victim.kill('SIGKILL');
  await victim.ended;
  await taken();
  running[running.indexOf(victim)] = rig.start('daemon', '--json');
}

/** Its process, and not another one that has its number by now. */
function isEngine(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--queued');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Of the daemon whose lease it is and that has not lost it. */
async function leaderPid(state: State): Promise<number | undefined> {
  const { rows } = await state
    .query<{ pid: number }>(`SELECT pid FROM engine.leases WHERE name = 'daemon' AND run_id IS NOT NULL`)
    .catch(() => ({ rows: [] }));
  return rows[0]?.pid;
}

async function settled(state: State): Promise<boolean> {
  const { rows } = await state.query<{ open: boolean }>(
    `SELECT EXISTS (SELECT FROM engine.queue WHERE state = 'queued') OR EXISTS (SELECT FROM engine.runs WHERE state = 'running')
         OR EXISTS (SELECT FROM engine.runs r WHERE state = 'interrupted' AND NOT EXISTS (SELECT FROM engine.queue WHERE retry_of = r.run_id)) AS open`,
  );
  return rows[0]?.open === false;
}

async function judge(state: State): Promise<Pick<DaemonStormResult, 'fires' | 'runs' | 'resumed'>> {
  const { rows } = await state.query<{ fires: string; runs: string; resumed: string }>(
    `SELECT (SELECT count(*) FROM engine.queue WHERE kind = 'fire') AS fires, (SELECT count(*) FROM engine.runs) AS runs,
            (SELECT count(*) FROM engine.runs WHERE trigger = 'resume') AS resumed`,
  );
  return { fires: Number(rows[0]?.fires), runs: Number(rows[0]?.runs), resumed: Number(rows[0]?.resumed) };
}

/** Every minute between the first and the last has one time of each pipeline, each time one run that succeeded or was gone on with until one did; no table had two runs at once. */
async function wrongIn(state: State, pipelines: readonly string[]): Promise<readonly string[]> {
  const found = async (sql: string): Promise<readonly string[]> => (await state.query<{ wrong: string }>(sql)).rows.map((row) => row.wrong);
  const known = await found(`SELECT DISTINCT pipeline AS wrong FROM engine.queue`);
  return [
    ...pipelines.filter((name) => !known.includes(name)).map((name) => `${name} never fired`),
    ...(await found(
      `SELECT pipeline || ' has no time at ' || m AS wrong FROM (SELECT DISTINCT pipeline FROM engine.queue) p,
         LATERAL (SELECT generate_series(min(scheduled_at), max(scheduled_at), interval '1 minute') AS m FROM engine.queue q WHERE q.pipeline = p.pipeline AND kind = 'fire') s
       WHERE NOT EXISTS (SELECT FROM engine.queue q WHERE q.pipeline = p.pipeline AND q.kind = 'fire' AND q.scheduled_at = m)`,
    )),
    ...(await found(
      `SELECT pipeline || ' of ' || scheduled_at || ' is ' || state || coalesce(': ' || reason, '') AS wrong FROM engine.queue WHERE kind = 'fire' AND state <> 'started'`,
    )),
    ...(await found(
      `SELECT pipeline || ' of ' || scheduled_at || ' has ' || count(*) || ' runs' AS wrong FROM engine.runs WHERE trigger = 'schedule' GROUP BY pipeline, scheduled_at HAVING count(*) <> 1`,
    )),
    ...(await found(
      `WITH RECURSIVE chain AS (
         SELECT run_id AS first, run_id, state FROM engine.runs WHERE trigger = 'schedule'
         UNION SELECT c.first, r.run_id, r.state FROM chain c JOIN engine.runs r ON r.retry_of = c.run_id)
       SELECT 'run ' || first || ' was never brought to its end: ' || string_agg(state, ', ') AS wrong FROM chain GROUP BY first HAVING NOT bool_or(state = 'succeeded')`,
    )),
    ...(await found(
      `SELECT 'runs ' || a.run_id || ' and ' || b.run_id || ' had one table at once' AS wrong FROM engine.runs a JOIN engine.runs b
         ON a.run_id < b.run_id AND replace(replace(a.pipeline, '_a', ''), '_b', '') = replace(replace(b.pipeline, '_a', ''), '_b', '')
        AND a.started_at < b.ended_at AND b.started_at < a.ended_at AND a.state = 'succeeded' AND b.state = 'succeeded'`,
    )),
  ];
}

function late(takeovers: readonly number[], most: number): readonly string[] {
  return takeovers.filter((seconds) => seconds > most).map((seconds) => `a takeover took ${seconds.toFixed(1)} s`);
}

/** The counts as a line. */
export function showDaemonStorm({ fires, runs, resumed, strikes, takeovers, wrong }: DaemonStormResult): string {
  const struck = Object.entries(strikes).map(([kind, times]) => `${kind} ${times}`);
  const longest = Math.max(0, ...takeovers).toFixed(1);
  return `${fires} times, ${runs} runs (${resumed} went on from another), strikes: ${struck.join(', ')}; ${takeovers.length} takeovers, ${longest} s at the most; ${wrong.length} wrong`;
}
