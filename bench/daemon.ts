import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openEmbedded } from '../connectors/postgres/embedded.ts';
import { root } from './bed.ts';
import { median, megabytes, say, sayTable } from './figures.ts';
import { fillStore, forgetRecorded, type ManyRuns, projectOf, runIdOf } from './many-runs.ts';
import { page } from './page.ts';
import { connect, urlOf } from './server.ts';

const asked = 20;
const idleSeconds = 60;

/** What the daemon costs while nothing is due, and how long the page and its data take with a store full of runs; the overview is left open for so many minutes of them. `keep` leaves the filled store there for the next time. */
export async function daemon(many: ManyRuns, openMinutes: number, keep: boolean): Promise<void> {
  const folder = join(root, '.engine', 'bench-daemon');
  const filled = join(folder, 'filled.json');
  const isFilled = existsSync(filled) && readFileSync(filled, 'utf8') === JSON.stringify(many);
  if (!isFilled) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const server = openEmbedded({ root: folder, name: 'state' });
  let process: ChildProcess | undefined;
  try {
    const to = await server.open();
    const url = urlOf(to);
    say(
      `${isFilled ? 'the store that was kept' : 'filling the store'}: ${many.pipelines} pipelines, ${many.runs} runs, ${many.events} events`,
    );
    if (isFilled) await forgetRecorded(() => connect(to));
    else await fillStore(() => connect(to), many);
    if (keep) writeFileSync(filled, JSON.stringify(many));
    writeFileSync(join(folder, 'pipelines.yaml'), projectOf(many.pipelines));
    const port = await freePort();
    process = spawn(globalThis.process.execPath, [join(root, 'bin', 'engine.js'), 'daemon', '--listen', `127.0.0.1:${port}`], {
      cwd: folder,
      env: { ...globalThis.process.env, SOURCE_URL: url, WAREHOUSE_URL: url, STATE_URL: url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const base = `http://127.0.0.1:${port}/api/v1`;
    await answers(`${base}/overview`);
    const client = await connect(to);
    // When something else failed the server goes before it.
    client.on('error', () => undefined);
    const rows: string[][] = [['asked', 'first', `median of ${asked}`, 'most', 'kB', `beside \`SELECT 1\``]];
    const bare = await timed(async () => void (await client.query('SELECT 1')));
    for (const path of ['/overview', '/runs?limit=50', `/runs/${runIdOf(many.runs - 1)}`, '/tables', '/pipelines/p0007']) {
      const { first, times, bytes } = await get(base + path);
      rows.push([
        path,
        ms(first),
        ms(median(times)),
        ms(Math.max(...times)),
        (bytes / 1000).toFixed(0),
        `${(median(times) / median(bare)).toFixed(0)} x`,
      ]);
    }
    sayTable(rows);
    await page(`http://127.0.0.1:${port}`, client, many, openMinutes);
    await client.end();
    const { pid } = process;
    if (pid === undefined) throw new Error('the daemon has no pid');
    const before = used(pid);
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
    const share = (used(pid).cpuMs - before.cpuMs) / (performance.now() - began);
    say(
      `\nidle for ${idleSeconds} s: ${(share * 100).toFixed(2)}% of a core, ${megabytes(used(pid).bytes)} resident (peak ${megabytes(used(pid).peak)})`,
    );
  } finally {
    process?.kill('SIGTERM');
    if (process !== undefined && process.exitCode === null) await new Promise((resolve) => process?.once('exit', resolve));
    await server.close();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`;
}

async function get(url: string): Promise<{ readonly first: number; readonly times: readonly number[]; readonly bytes: number }> {
  let bytes = 0;
  const once = async (): Promise<void> => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    bytes = (await answer.arrayBuffer()).byteLength;
  };
  const [first = Number.NaN] = await timed(once, 1);
  return { first, times: await timed(once), bytes };
}

async function timed(work: () => Promise<void>, times = asked): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i += 1) {
    // Longer than an answer is kept for those who ask at the same moment.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const began = performance.now();
    await work();
    taken.push(performance.now() - began);
  }
  return taken;
}

async function answers(url: string): Promise<void> {
  for (let i = 0; i < 300; i += 1) {
    const ok = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing answers at ${url}`);
}

/** Processor time and memory of a process so far, from /proc. */
function used(pid: number): { readonly cpuMs: number; readonly bytes: number; readonly peak: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user = '0', system = '0'] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024;
  // A tick is 10 ms on Linux.
  return { cpuMs: (Number(user) + Number(system)) * 10, bytes: kb('VmRSS'), peak: kb('VmHWM') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
