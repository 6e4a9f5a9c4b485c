import { stripVTControlCharacters } from 'node:util';
import type { LogLevel } from '../../engine/event.ts';

/** One line of dbt's stdout under `--log-format json`; what is no such line (a user's own print) is text alone. */
export interface DbtLine {
  readonly level: LogLevel;
  readonly text: string;
  /** dbt's name of the event: `LogModelResult`, `NoNodesForSelectionCriteria`, `MainEncounteredError`. */
  readonly name: string | undefined;
  readonly invocationId: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads one line; undefined for an empty one. Never throws. */
export function parseLine(line: string): DbtLine | undefined {
  const plain: DbtLine = {
    level: 'info',
    text: stripVTControlCharacters(line).trimEnd(),
    name: undefined,
    invocationId: undefined,
    data: {},
  };
  if (!line.startsWith('{')) return plain.text.trim() === '' ? undefined : plain;
  const parsed = parseJson(line);
  const info = record(parsed?.info);
  if (info === undefined || typeof info.msg !== 'string') return plain;
  return {
    level: levelOf(info.level),
    text: stripVTControlCharacters(info.msg).trim(),
    name: typeof info.name === 'string' ? info.name : undefined,
    invocationId: typeof info.invocation_id === 'string' ? info.invocation_id : undefined,
    data: record(parsed?.data) ?? {},
  };
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A plain object, or undefined. */
export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function levelOf(level: unknown): LogLevel {
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}
