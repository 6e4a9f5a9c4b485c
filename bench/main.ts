import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openEmbedded } from '../connectors/postgres/embedded.ts';
import type { DatabaseParameters } from '../engine/connector.ts';
import { followMemory } from './processes.ts';
import { columns, makeTable } from './table.ts';

/**
 * Measures the data path beside psql, in pairs: `\copy to /dev/null` and the extract node, `\copy from` csv into a table with its primary key and the load
 * unit to its commit. Prints one table with the medians, the ratio of each pair's median, and the peak memory of the engine's processes.
 *
 * npm run bench -- --rows 3000000 --pairs 5
 */
const root = join(import.meta.dirname, '..');
const folder = join(root, '.engine', 'bench');
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '3000000' },
    pairs: { type: 'string', default: '5' },
    keep: { type: 'boolean', default: false },
  },
});
const rows = Number(options.rows);
const pairs = Number(options.pairs);

const project = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: .engine/lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
tables: { bench_rows: { key: id, cursor: updated_at } }
pipelines: { bench: { mode: full, tables: [bench_rows] } }
`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  started: (pid: number) => void = () => undefined,
): Promise<{ readonly stdout: string; readonly ms: number }> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) started(child.pid);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}; it has to be on the PATH`)));
    child.on('close', (code) => {
      if (code === 0) resolve({ stdout, ms: performance.now() - began });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`));
    });
  });
}

function psqlEnv(p: DatabaseParameters): NodeJS.ProcessEnv {
  return { PGHOST: p.host, PGPORT: String(p.port), PGUSER: p.user, PGPASSWORD: p.password, PGDATABASE: p.database, PGSSLMODE: 'disable' };
}

function url(p: DatabaseParameters): string {
  return `postgresql://${p.user}:${encodeURIComponent(p.password ?? '')}@${p.host}:${p.port}/${p.database}?sslmode=disable`;
}

async function connect(p: DatabaseParameters): Promise<pg.Client> {
  const client = new pg.Client({ ...p, ssl: false });
  await client.connect();
  return client;
}

function median(of: readonly number[]): number {
  const sorted = [...of].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

interface SeenEvent {
  readonly type: string;
  readonly at: string;
  readonly node?: string;
}

/** From the first start of these nodes to the last end, in ms. */
function span(events: readonly SeenEvent[], nodes: readonly string[]): number {
  const times = (type: string): number[] =>
    events.filter((e) => e.type === type && e.node !== undefined && nodes.includes(e.node)).map((e) => Date.parse(e.at));
  return Math.max(...times('node.succeeded')) - Math.min(...times('node.started'));
}

if (!(rows > 0) || !(pairs > 0)) throw new Error('--rows and --pairs are whole numbers above 0');
rmSync(join(folder, '.engine', 'lake'), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'pipelines.yaml'), project);
const source = openEmbedded({ root: folder, name: 'source' });
const warehouse = openEmbedded({ root: folder, name: 'warehouse' });
const csv = join(folder, 'rows.csv');
try {
  const from = await source.open();
  const to = await warehouse.open();
  const sourceClient = await connect(from);
  const warehouseClient = await connect(to);
  await run('psql', ['--version'], {});
  await sourceClient.query('DROP TABLE IF EXISTS public.bench_rows');
  say(`making ${rows.toLocaleString('en')} rows ...`);
  await makeTable(sourceClient, rows);
  await run('psql', ['-X', '-c', `\\copy public.bench_rows to '${csv}' csv`], psqlEnv(from));
  await warehouseClient.query('DROP SCHEMA IF EXISTS staging, engine CASCADE');

  const seen = { copyTo: [] as number[], extract: [] as number[], copyFrom: [] as number[], load: [] as number[], memory: [] as number[] };
  for (let pair = 1; pair <= pairs; pair += 1) {
    await sourceClient.query('CHECKPOINT');
    await warehouseClient.query('CHECKPOINT');
    const copyTo = await run('psql', ['-X', '-c', "\\copy public.bench_rows to '/dev/null' csv"], psqlEnv(from));
    await warehouseClient.query('DROP TABLE IF EXISTS public.limit_rows');
    await warehouseClient.query(`CREATE TABLE public.limit_rows (${columns}, PRIMARY KEY (id))`);
    const copyFrom = await run('psql', ['-X', '-c', `\\copy public.limit_rows from '${csv}' csv`], psqlEnv(to));
    await warehouseClient.query('DROP TABLE public.limit_rows');
    await warehouseClient.query('CHECKPOINT');
    let memory: ReturnType<typeof followMemory> | undefined;
    const ran = await run(
      process.execPath,
      [join(root, 'bin', 'engine.js'), 'run', '--pipeline', 'bench', '--json'],
      { SOURCE_URL: url(from), WAREHOUSE_URL: url(to) },
      (pid) => {
        memory = existsSync('/proc/self/status') ? followMemory(pid) : undefined;
      },
    );
    seen.memory.push(memory?.stop() ?? Number.NaN);
    const events = ran.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SeenEvent);
    seen.copyTo.push(copyTo.ms);
    seen.copyFrom.push(copyFrom.ms);
    seen.extract.push(span(events, ['extract bench_rows']));
    seen.load.push(span(events, ['truncate bench_rows', 'load bench_rows']));
    const last = (list: readonly number[]): string => ((list.at(-1) ?? 0) / 1000).toFixed(1);
    say(
      `pair ${pair}: copy to ${last(seen.copyTo)} s, extract ${last(seen.extract)} s; copy from ${last(seen.copyFrom)} s, load ${last(seen.load)} s`,
    );
  }
  const counted = await warehouseClient.query<{ n: string }>('SELECT count(*) AS n FROM staging.bench_rows');
  if (Number(counted.rows[0]?.n) !== rows) throw new Error(`staging has ${counted.rows[0]?.n} rows, not ${rows}`);
  await sourceClient.end();
  await warehouseClient.end();

  const line = (what: string, limit: readonly number[], engine: readonly number[], goal: string): string =>
    `| ${what} | ${(median(limit) / 1000).toFixed(1)} s | ${(median(engine) / 1000).toFixed(1)} s | ${(median(engine) / median(limit)).toFixed(2)} | ${goal} |`;
  const peak = Math.max(...seen.memory) / 1e6;
  say(`\n${rows.toLocaleString('en')} rows, median of ${pairs} pairs\n`);
  say('| | limit (psql) | engine | ratio | goal |\n|---|---|---|---|---|');
  say(line('extract to Parquet, beside \\copy to /dev/null csv', seen.copyTo, seen.extract, 'at most 1.6'));
  say(line('full load to its commit, beside \\copy from csv', seen.copyFrom, seen.load, 'at most 1.3'));
  say(`| peak memory of the engine's processes | | ${peak.toFixed(0)} MB | | at most 450 MB |`);
} finally {
  await source.close();
  await warehouse.close();
  if (!options.keep) rmSync(folder, { recursive: true, force: true });
}
