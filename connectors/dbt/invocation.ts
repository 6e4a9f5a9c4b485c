import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { killGroup } from '../../engine/base/python.ts';
import { EngineError } from '../../engine/error.ts';
import { type DbtLine, parseLine } from './log.ts';

/** How dbt is started: a program of the user's own, or the engine's Python with dbt in it. */
export type DbtProgram = { readonly kind: 'command'; readonly command: string } | { readonly kind: 'python'; readonly python: string };

export interface Invocation {
  readonly program: DbtProgram;
  readonly args: readonly string[];
  readonly folder: string;
  /** Added to this process's environment; undefined takes a name away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** After SIGINT dbt has so long to cancel its queries before it is killed. */
  readonly graceMs: number;
  readonly onLine: (line: DbtLine) => void;
}

/** `killed`: it did not end by itself within the grace, and its queries may still be at work on the server. */
export interface InvocationEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly killed: boolean;
}

/** dbt in this interpreter; when the engine is gone (its end of stdin closes), so is dbt, and it does not go on beside the next run's. */
const launcher = `
import os, signal, sys, threading
def watch():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(5)
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
from dbt.cli.main import cli
sys.argv[0] = "dbt"
cli()
`;

/** Runs dbt to its end in a process group of its own; once the signal is aborted SIGINT, then SIGKILL. Rejects only when it cannot be started: EngineError `dbt.not-started`. */
export function invokeDbt(invocation: Invocation): Promise<InvocationEnd> {
  const { program, signal } = invocation;
  const [command, before] = program.kind === 'command' ? [program.command, []] : [program.python, ['-I', '-c', launcher]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, ...invocation.args], {
      cwd: invocation.folder,
      env: { ...process.env, ...invocation.env },
      stdio: [program.kind === 'command' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let killed = false;
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      killGroup(child.pid, 'SIGINT');
      timer = setTimeout(() => {
        killed = true;
        killGroup(child.pid, 'SIGKILL');
      }, invocation.graceMs);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    };
    if (child.stdout !== null) readLines(child.stdout, invocation.onLine);
    if (child.stderr !== null)
      readLines(child.stderr, (line) => invocation.onLine(line.name === undefined ? { ...line, level: 'warn' } : line));
    child.on('error', (error: NodeJS.ErrnoException) => {
      finish();
      reject(
        new EngineError('outside', 'dbt.not-started', `dbt cannot be started: ${command}: ${error.code ?? error.message}`, {
          cause: error,
          hint:
            program.kind === 'command'
              ? 'Correct dbt.command in pipelines.yaml, or leave it out: the engine then makes an environment of its own.'
              : 'Remove that environment; the next run makes it again.',
        }),
      );
    });
    child.on('close', (code, endedBy) => {
      finish();
      resolve({ code, signal: endedBy, killed });
    });
  });
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: DbtLine) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (text) => {
    const line = parseLine(text);
    if (line !== undefined) onLine(line);
  });
}
