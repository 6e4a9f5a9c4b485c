import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { transactionColumns, userColumns } from './rows.ts';

/**
 * The main job, as a person would type it: sample data, both full pipelines, a day of changes, both incremental pipelines, then a table of what is where.
 * It works on a copy of the project in `.engine/demo`, always on embedded servers, and stops them at its end. Exit 1 when rows differ.
 */
const root = join(import.meta.dirname, '..');
const project = join(root, '.engine', 'demo');
const engineBin = join(root, 'bin', 'engine.js');
const began = Date.now();

const env: NodeJS.ProcessEnv = { ...process.env };
delete env.SOURCE_URL;
delete env.WAREHOUSE_URL;

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

let live: ReturnType<typeof spawn> | undefined;
let stopped: NodeJS.Signals | undefined;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function engine(args: readonly string[], show: boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [engineBin, ...args], {
      cwd: project,
      env,
      stdio: ['ignore', show ? 'inherit' : 'pipe', 'inherit'],
    });
    live = child;
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      live = undefined;
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 143), stdout });
    });
  });
}

class StepFailed extends Error {
  readonly code: number;
  constructor(command: string, code: number) {
    super(`${command} ended with exit code ${code}`);
    this.code = code;
  }
}

async function step(...args: readonly string[]): Promise<void> {
  const shown = `engine ${args.join(' ')}`;
  say(`\n$ ${shown}`);
  const { code } = await engine(args, true);
  if (stopped !== undefined || code !== 0) throw new StepFailed(shown, code);
}

/** What a query of one text says; every way of asking prints it somewhere in its output. */
async function ask(...args: readonly string[]): Promise<string> {
  const { code, stdout } = await engine(args, false);
  const answer = /<([0-9/-]+)>/.exec(stdout)?.[1];
  if (code !== 0 || answer === undefined) throw new StepFailed(`engine ${args.join(' ')}`, code === 0 ? 1 : code);
  return answer;
}

const looked: readonly { readonly table: string; readonly columns: readonly string[] }[] = [
  { table: 'users', columns: [...userColumns, 'updated_at'] },
  { table: 'transactions', columns: [...transactionColumns.filter((c) => c !== 'card_token'), 'updated_at'] },
];

/** Prints rows per table in each place; true when they are equal where they must be. */
async function compare(): Promise<boolean> {
  const lines: string[][] = [['table', 'source', "lake's latest", 'staging', 'analytics', 'source = staging']];
  let equal = true;
  for (const { table, columns } of looked) {
    const content = (relation: string): string =>
      `SELECT '<' || count(*) || '/' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) || '>' AS answer FROM (SELECT ${columns.join(', ')} FROM ${relation}) AS t`;
    const count = (relation: string): string => `SELECT '<' || count(*) || '>' AS answer FROM ${relation}`;
    const source = await ask('psql', 'source', '-c', content(`public.${table}`));
    const staging = await ask('psql', 'warehouse', '-c', content(`staging.${table}`));
    const analytics = await ask('psql', 'warehouse', '-c', count(`analytics.${table}`));
    const lake = await ask('query', count(table));
    const rows = [source.split('/')[0] ?? '', lake, staging.split('/')[0] ?? '', analytics];
    const same = source === staging;
    equal &&= same && new Set(rows).size === 1;
    lines.push([table, ...rows.map((n) => Number(n).toLocaleString('en')), same ? 'every value' : 'NO']);
  }
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  say('');
  for (const line of lines) say(line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   '));
  return equal;
}

async function main(): Promise<number> {
  say(`demo: the project of this clone, copied to ${relative(process.cwd(), project) || project}, on embedded Postgres servers`);
  if (existsSync(join(project, 'pipelines.yaml'))) await engine(['down'], false);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  cpSync(join(root, 'pipelines.yaml'), join(project, 'pipelines.yaml'));
  cpSync(join(root, 'dbt'), join(project, 'dbt'), { recursive: true });
  try {
    await step('setup');
    await step('up');
    await step('generate', 'initial', '--users', '5000', '--transactions', '100000', '--seed', '1');
    await step('run', '--pipeline', 'batch_users_full_update');
    await step('run', '--pipeline', 'batch_transactions_full_update');
    await step('generate', 'daily', '--inserts', '2000', '--updates', '1000');
    await step('run', '--pipeline', 'incremental_users');
    await step('run', '--pipeline', 'incremental_transactions');
    const equal = await compare();
    await step('down');
    say(
      `\n${equal ? 'done' : 'NOT EQUAL'}, in ${((Date.now() - began) / 1000).toFixed(0)} s. Nothing is left running; the data is still there. Look at it:`,
    );
    const call = `node ${relative(project, engineBin)}`;
    say(`  cd ${relative(process.cwd(), project) || '.'}`);
    for (const next of [
      'status',
      'plan --pipeline incremental_users',
      'query "SELECT status, count(*) FROM transactions GROUP BY ALL ORDER BY 2 DESC"',
      'psql warehouse -c "SELECT * FROM analytics.users ORDER BY id LIMIT 5"',
      'up       # keeps the servers running: psql source, psql warehouse, then down',
      'daemon   # runs by itself until Ctrl-C; its page is at http://127.0.0.1:4460',
    ])
      say(`  ${call} ${next}`);
    return equal ? 0 : 1;
  } catch (error) {
    await engine(['down'], false);
    if (stopped !== undefined) return stopped === 'SIGINT' ? 130 : 143;
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`demo: ${error.message}\n`);
    return error.code;
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopped ??= signal;
    // A terminal sends SIGINT to the whole group itself, and a second one would cut the engine's cleaning up short.
    if (signal === 'SIGTERM' || process.stdin.isTTY !== true) live?.kill(signal);
  });
process.exitCode = await main();
