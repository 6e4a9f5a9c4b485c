import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * Runs every `*.test.ts` (with `--full`, every `*.long.test.ts` too), each file in a process of its own, two at a time or more.
 * Arguments that are no options choose files by a part of their path. Ends with `N passed, N failed`; a file that ends early counts as failed.
 */
const root = join(import.meta.dirname, '..');
const full = process.argv.includes('--full');
const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.test.ts') && (full || !f.endsWith('.long.test.ts')))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.includes(w)))
  .sort();

/** A file that takes longer hangs: it is ended and counts as failed. */
const fileDeadlineMs = (full ? 40 : 6) * 60_000;

const total = { passed: 0, failed: 0, skipped: 0 };
const children = new Set<ReturnType<typeof spawn>>();

function runFile(file: string): Promise<void> {
  return new Promise((resolve) => {
    const began = Date.now();
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'test', file)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    children.add(child);
    const late = setTimeout(() => child.kill('SIGKILL'), fileDeadlineMs);
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code, signal) => {
      clearTimeout(late);
      children.delete(child);
      const last = /##counts (\{.*\})/.exec(output)?.[1];
      const counts =
        last === undefined ? undefined : (JSON.parse(last) as { passed: number; failed: number; skipped: number; whole: boolean });
      const ended = code === 0 && counts?.whole === true;
      total.passed += counts?.passed ?? 0;
      total.skipped += counts?.skipped ?? 0;
      total.failed += (counts?.failed ?? 0) + (!ended && (counts?.failed ?? 0) === 0 ? 1 : 0);
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      process.stdout.write(
        `${ended ? 'ok    ' : 'FAILED'} ${file}  ${counts?.passed ?? 0} passed, ${counts?.failed ?? 0} failed, ${seconds} s\n`,
      );
      if (!ended) process.stdout.write(`${output}\n${signal === null ? `exit ${code}` : signal}\n`);
      else for (const line of output.split('\n')) if (line.startsWith('skipped: ')) process.stdout.write(`       ${line}\n`);
      resolve();
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exitCode = 1;
    files.length = 0;
  });

const queue = files;
await Promise.all(
  Array.from({ length: Math.max(2, Math.floor(availableParallelism() / 2)) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await runFile(next);
  }),
);
if (total.skipped > 0) process.stdout.write(`${total.skipped} skipped, each with its reason above\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
