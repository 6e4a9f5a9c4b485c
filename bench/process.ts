import { spawn } from 'node:child_process';

/** How a process ended, and how long it took. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly ms: number;
}

/** Where and with what a process runs; `started` is told its id. */
export interface Place {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly started?: (pid: number) => void;
}

/** Runs a program to its end, however it ends; throws only when there is no such program. */
export function attempt(command: string, args: readonly string[], place: Place): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { cwd: place.cwd, env: { ...process.env, ...place.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) place.started?.(child.pid);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}; it has to be on the PATH`)));
    child.on('close', (code) => resolve({ stdout, stderr, code, ms: performance.now() - began }));
  });
}

/** Runs a program to its end; throws with all that it said when its exit code is not 0. */
export async function run(command: string, args: readonly string[], place: Place): Promise<Ran> {
  const ran = await attempt(command, args, place);
  if (ran.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}
