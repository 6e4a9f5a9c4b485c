import type { CommandContext } from '../command.ts';
import type { DaemonConfig } from '../config.ts';
import { EngineError } from '../error.ts';
import type { LogLevel } from '../event.ts';
import { processOutput } from '../reporters/output.ts';
import type { Tell } from '../schedule/tell.ts';
import { createLog, type Log, type LogRecord } from '../serve/logger.ts';

/** The daemon's own log. */
export interface DaemonLog {
  readonly log: Log;
  readonly tell: Tell;
  /** Written as JSON, the events of runs among it. */
  readonly isJson: boolean;
  /** Goes by the level of a configuration that was taken in, unless the command line has one. */
  reload(config: DaemonConfig): void;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** As JSON, one document a line on stdout, with `--json` and where the configuration says so; else lines for a person on stderr. `level`: of the command line. */
export function openDaemonLog(context: CommandContext, config: DaemonConfig, level: unknown): DaemonLog {
  const given = levels.find((known) => known === level);
  if (level !== undefined && given === undefined)
    throw new EngineError('usage', 'command-line.invalid-argument', `--log-level cannot be ${String(level)}`, {
      hint: `Give one of ${levels.join(', ')}.`,
    });
  const isJson = context.json || config.log === 'json';
  const output = processOutput();
  const log = createLog({
    level: given ?? config.logLevel,
    clock: context.clock,
    write: (record) => {
      if (isJson) output.out(`${JSON.stringify(record)}\n`);
      else if (isForPeople(record))
        context.reporter.note(`${record.time}  ${record.level === 'info' ? '' : `${record.level}: `}${record.msg ?? ''}`);
    },
  });
  return {
    log,
    tell: (told, text, fields = {}) => log[told]({ type: 'daemon', ...fields }, text),
    isJson,
    reload: ({ logLevel }) => {
      log.level = given ?? logLevel;
    },
  };
}

/** Of what the HTTP server says, only trouble. */
function isForPeople({ type, level }: LogRecord): boolean {
  return type === 'daemon' || level === 'warn' || level === 'error';
}
