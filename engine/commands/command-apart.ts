import { spawn } from 'node:child_process';
import { packageFile } from '../base/package-root.ts';
import type { CommandContext } from '../command.ts';
import { EngineError, type ErrorData } from '../error.ts';

const mostBytes = 64_000_000;
/** It has no work to end: one that is told to stop and stays is stuck, and would count among those that are being made for ever. */
const stopMs = 5_000;

/**
 * What a command of this engine answers with `--json` in a process of its own, by the copies of the configuration in `frozen`: the document that is meant, or undefined with the code that it ended
 * with. Throws what the command threw; ends with the signal.
 */
export async function commandApart<T>(
  context: CommandContext,
  args: readonly string[],
  frozen: string,
  signal: AbortSignal,
  isMeant: (document: Partial<T>) => boolean,
): Promise<{ readonly document: T | undefined; readonly code: number | null }> {
  const { text, code } = await output(context, args, frozen, signal);
  const documents = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly type?: string; readonly error?: ErrorData } & Partial<T>);
  const document = documents.find(isMeant);
  const error = document === undefined ? documents.find(({ type }) => type === 'error')?.error : undefined;
  if (error === undefined) return { document: document as T | undefined, code };
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
      reject(new EngineError('outside', 'plan.no-process', 'no process could be started for it', { cause: error })),
    );
    child.once('close', (code) => {
      clearTimeout(last);
      signal.removeEventListener('abort', stop);
      resolve({ text: size > mostBytes || signal.aborted ? '' : Buffer.concat(parts).toString('utf8'), code });
    });
  });
}
