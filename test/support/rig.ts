import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBuilt, projectRoot } from './build.ts';

/** How a process of the engine ended. `code` is null when a signal killed it. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An engine at work, which the test steers. */
export interface Running {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once stdout or stderr has that text; throws with all output when the process ends or the time is over before. */
  waitFor(text: string | RegExp, options?: { readonly withinMs?: number }): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the reading ends of its stdout and stderr, as `| head` does. */
  stopReading(): void;
  readonly ended: Promise<Outcome>;
}

/** A temporary project and the CLI in it, as child processes. */
export interface Rig {
  /** Absolute path of the project's folder. */
  readonly root: string;
  /** Added to the environment of every process started from now on. */
  readonly env: Record<string, string | undefined>;
  /** Writes a file of the project; returns its absolute path. */
  write(path: string, text: string): string;
  read(path: string): string;
  exists(path: string): boolean;
  /** Runs `engine <args>` to its end, stdin closed. Ends it and throws when it takes longer than two minutes. */
  engine(...args: readonly string[]): Promise<Outcome>;
  /** The same with JSON read from stdout: the documents, one per line. */
  json(...args: readonly string[]): Promise<Outcome & { readonly documents: readonly JsonDocument[] }>;
  start(...args: readonly string[]): Running;
  /** Ends its processes, stops embedded servers of the project and removes the folder. */
  cleanup(): Promise<void>;
}

export type JsonDocument = { readonly format_version: 1; readonly [key: string]: unknown };

/** A new rig; builds dist/ first when it is older than the sources. Call `cleanup` in `after`. */
export async function createRig(files: Readonly<Record<string, string>> = {}): Promise<Rig> {
  await ensureBuilt();
  const root = mkdtempSync(join(tmpdir(), 'engine-rig-'));
  // Embedded servers run as another user when the tests run as root.
  chmodSync(root, 0o755);
  const env: Record<string, string | undefined> = { NO_COLOR: '1' };
  const running = new Set<{ readonly child: ChildProcess; readonly ended: Promise<Outcome> }>();

  const start = (args: readonly string[]): Running => {
    const child = spawn(process.execPath, [join(projectRoot, 'bin/engine.js'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const watchers = new Set<() => void>();
    const changed = (): void => {
      for (const watcher of watchers) watcher();
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      changed();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      changed();
    });
    let outcome: Outcome | undefined;
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        outcome = { code, signal, stdout, stderr };
        running.delete(entry);
        changed();
        resolve(outcome);
      });
    });
    const entry = { child, ended };
    running.add(entry);
    const all = (): string => `engine ${args.join(' ')}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
    return {
      pid: child.pid ?? -1,
      stdout: () => stdout,
      stderr: () => stderr,
      kill: (signal) => void child.kill(signal),
      stopReading: () => {
        child.stdout.destroy();
        child.stderr.destroy();
      },
      ended,
      waitFor: (text, options = {}) =>
        new Promise((resolve, reject) => {
          const has = (from: string): boolean => (typeof text === 'string' ? from.includes(text) : text.test(from));
          const look = (): void => {
            if (has(stdout) || has(stderr)) settle(resolve);
            else if (outcome !== undefined) settle(() => reject(new Error(`ended (${outcome?.code}) without ${text}: ${all()}`)));
          };
          const timer = setTimeout(() => settle(() => reject(new Error(`no ${text} in time: ${all()}`))), options.withinMs ?? 30_000);
          const settle = (then: () => void): void => {
            clearTimeout(timer);
            watchers.delete(look);
            then();
          };
          watchers.add(look);
          look();
        }),
    };
  };

  const engine = async (args: readonly string[]): Promise<Outcome> => {
    const process = start(args);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill('SIGKILL');
    }, 120_000);
    const outcome = await process.ended;
    clearTimeout(timer);
    if (late) throw new Error(`engine ${args.join(' ')} took longer than two minutes\n${outcome.stdout}\n${outcome.stderr}`);
    return outcome;
  };

  const rig: Rig = {
    root,
    env,
    write(path, text) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    read: (path) => readFileSync(join(root, path), 'utf8'),
    exists: (path) => existsSync(join(root, path)),
    engine: (...args) => engine(args),
    async json(...args) {
      const outcome = await engine([...args, '--json']);
      const lines = outcome.stdout.split('\n').filter((line) => line !== '');
      return { ...outcome, documents: lines.map((line) => JSON.parse(line) as JsonDocument) };
    },
    start: (...args) => start(args),
    async cleanup() {
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      if (existsSync(join(root, '.engine', 'postgres'))) await engine(['down']);
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  for (const [path, text] of Object.entries(files)) rig.write(path, text);
  return rig;
}
