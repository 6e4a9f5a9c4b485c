import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { connectors } from '../connectors/index.ts';
import { systemClock } from './base/clock.ts';
import { packageFile } from './base/package-root.ts';
import { configInvalid, createCommandContext, type OpenContext } from './commands/context.ts';
import { EngineError, errorData, exitCodeOf, stoppedError } from './error.ts';
import type { Reporter } from './reporter.ts';
import { chooseReporter } from './reporters/index.ts';
import { whenUnwritable } from './reporters/output.ts';

/** Longer than the executor gives its nodes. */
const stopGraceMs = 12_000;
/** A server that does not answer must not keep the process. */
const closeGraceMs = 10_000;
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** As if SIGPIPE had ended the process. */
const unreadCode = 141;

/** Runs one command line in this process and ends the process with its exit code. */
async function main(argv: readonly string[]): Promise<never> {
  const version = (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
  const stop = new AbortController();
  // Everything at work listens to it.
  setMaxListeners(0, stop.signal);
  let reporter: Reporter = chooseReporter({ json: argv.includes('--json'), quiet: argv.includes('--quiet') }, systemClock);
  let opened: OpenContext | undefined;
  let stoppedBy: keyof typeof signals | undefined;
  let unwritable: { readonly isUnread: boolean } | undefined;

  const end = async (code: number): Promise<never> => {
    reporter.close();
    await new Promise((resolve) => process.stdout.write('', resolve));
    await new Promise((resolve) => process.stderr.write('', resolve));
    process.exit(finalCode(code));
  };
  const finalCode = (code: number): number => {
    if (unwritable?.isUnread === false) return exitCodeOf({ trouble: 'outside' });
    if (code !== exitCodeOf(stoppedError())) return code;
    return stoppedBy !== undefined ? signals[stoppedBy] : unwritable !== undefined ? unreadCode : code;
  };
  const defect = (error: unknown): void => {
    reporter.error({ ...errorData(error), code: 'engine.defect' }, error);
    void end(1);
  };
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // A second one means it; but a terminal that closes may send two SIGHUPs.
      if (stoppedBy !== undefined && signal === 'SIGHUP') return;
      if (stoppedBy !== undefined) process.exit(signals[signal]);
      stoppedBy = signal;
      stop.abort(stoppedError(`stopped by ${signal}`));
    });
  process.on('unhandledRejection', defect);
  process.on('uncaughtException', defect);
  whenUnwritable((error) => {
    // The reader of a pipe (`head`, or `tee` after a Ctrl-C) is gone, or the terminal.
    const isUnread = error.code === 'EPIPE' || error.code === 'EIO';
    const reason = isUnread ? 'nobody reads the output any more' : `the output cannot be written: ${error.message}`;
    unwritable = { isUnread };
    if (!isUnread)
      chooseReporter({ json: false, quiet: true }, systemClock).error(new EngineError('outside', 'output.unwritable', reason).toData());
    stop.abort(stoppedError(reason));
  });

  let code: number;
  try {
    const { parseCommandLine } = await import('./commands/command-line.ts');
    const line = await parseCommandLine(argv, version);
    if (line.kind === 'shown') {
      (line.code === 0 ? process.stdout : process.stderr).write(line.text);
      return await end(line.code);
    }
    reporter.close();
    reporter = chooseReporter(line.global, systemClock);
    opened = createCommandContext({
      cwd: process.cwd(),
      env: process.env,
      clock: systemClock,
      reporter,
      global: line.global,
      signal: stop.signal,
      engine: version,
      connectors,
    });
    const work = line.command.run(opened.context, line.input);
    code = await (line.command.endsInItsOwnTime === true ? work : stoppable(work, stop.signal));
  } catch (error) {
    // Findings have been shown with their places; they are the error.
    if (!(error instanceof EngineError && error.code === configInvalid)) reporter.error(errorData(error), error);
    code = exitCodeOf(error instanceof EngineError ? error : undefined);
  }
  if (opened !== undefined) await atMost(closeGraceMs, opened.close());
  return await end(code);
}

/** What the command ends with; once it was told to stop and did not within the grace, the reason for that. */
function stoppable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), stopGraceMs));
    work.then(resolve, reject);
  });
}

/** Resolves when the work has ended, or after that time. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

await main(process.argv.slice(2));
