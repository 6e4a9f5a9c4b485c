import { spawn } from 'node:child_process';
import { packageFile } from '../base/package-root.ts';
import type { CommandContext } from '../command.ts';
import { EngineError, type ErrorData } from '../error.ts';
import type { Plan } from '../plan.ts';
import type { PlanRequest } from './plan-pipeline.ts';

const mostBytes = 64_000_000;
const patienceMs = 80_000;
/** It has no work to end: one that is told to stop and stays is stuck, and would count among those that are being made for ever. */
const stopMs = 5_000;

/**
 * A plan made by a process of its own, by the copies of the configuration in `frozen`: what planning uses (DuckDB, whole catalogs) is given back, and an edited file is
 * gone by. Throws what planning threw; ends with the signal.
 */
export async function planApart(
  context: CommandContext,
  file: string,
  frozen: string,
  request: PlanRequest,
  signal: AbortSignal,
): Promise<Plan> {
  const args = ['--config', file, '--json', 'plan', `--pipeline=${request.pipeline}`];
  for (const table of request.tables ?? []) args.push(`--table=${table}`);
  if (request.fullRefresh === true) args.push('--full-refresh');
  const { text, code } = await output(context, args, frozen, AbortSignal.any([signal, context.signal, AbortSignal.timeout(patienceMs)]));
  const documents = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly type?: string; readonly error?: ErrorData } & Partial<Plan>);
  const plan = documents.find(({ nodes }) => nodes !== undefined);
  if (plan !== undefined) return plan as Plan;
  const error = documents.find(({ type }) => type === 'error')?.error;
  if (error === undefined)
    throw new EngineError('outside', 'plan.no-answer', `planning ${request.pipeline} ended with ${code ?? 'a signal'}`);
  const { trouble, code: name, message, hint, retryable } = error;
  throw new EngineError(trouble, name, message, { ...(hint === undefined ? {} : { hint }), retryable });
}

function output(
  context: CommandContext,
  args: readonly string[],
  frozen: string,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [packageFile('bin', 'engine.js'), ...args], {
      cwd: context.cwd,
      env: { ...process.env, ENGINE_CONFIG_FROZEN: frozen },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const parts: Buffer[] = [];
    let size = 0;
    let last: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      last ??= setTimeout(() => child.kill('SIGKILL'), stopMs);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > mostBytes) stop();
      else parts.push(part);
    });
    child.once('error', (error) =>
      reject(new EngineError('outside', 'plan.no-process', 'no process could be started to make the plan', { cause: error })),
    );
    child.once('close', (code) => {
      clearTimeout(last);
      signal.removeEventListener('abort', stop);
      resolve({ text: size > mostBytes || signal.aborted ? '' : Buffer.concat(parts).toString('utf8'), code });
    });
  });
}
