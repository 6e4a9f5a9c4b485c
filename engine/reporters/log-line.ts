import type { DbtResult, Event, LogLevel } from '../event.ts';
import { eventLines } from './event-view.ts';

/** An event as the text of one entry of a run's log, without colours; undefined for what is not worth one (progress). A text may have several lines. */
export function logText(event: Event): string | undefined {
  if (event.type === 'node.progress') return undefined;
  if (event.type === 'log') return event.text;
  const lines = eventLines(event, (_style, text) => text);
  return lines.length === 0 ? undefined : lines.map((line) => line.trim()).join('\n');
}

/** How much attention an event asks for. */
export function logLevel(event: Event): LogLevel {
  switch (event.type) {
    case 'log':
      return event.level;
    case 'node.failed':
    case 'run.failed':
    case 'run.interrupted':
      return 'error';
    case 'node.retrying':
    case 'node.skipped':
    case 'node.cancelled':
    case 'run.cancelled':
      return 'warn';
    case 'dbt.result':
      return levelOfDbt(event.result.status);
    default:
      return 'info';
  }
}

function levelOfDbt(status: DbtResult['status']): LogLevel {
  if (status === 'error' || status === 'fail' || status === 'partial success') return 'error';
  return status === 'warn' || status === 'skipped' ? 'warn' : 'info';
}
