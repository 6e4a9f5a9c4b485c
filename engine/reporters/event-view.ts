import { unreachable } from '../base/unreachable.ts';
import type { DbtResult, Event, Progress } from '../event.ts';
import type { Paint } from './color.ts';
import { bytesText, countText, durationText } from './figures.ts';

/** An event as lines for a person; none for what is not worth a line. */
export function eventLines(event: Event, paint: Paint): readonly string[] {
  switch (event.type) {
    case 'run.started': {
      const again = event.retryOf === undefined ? '' : `, goes on from ${event.retryOf}`;
      return [`${paint('bold', event.pipeline)} (${event.mode}): run ${event.runId}, ${countText(event.nodes.length, 'node')}${again}`];
    }
    case 'run.planned':
      return [];
    case 'node.started':
      return [`  ${event.node}: ${event.attempt === 1 ? 'started' : `attempt ${event.attempt}`}`];
    case 'node.progress':
      return [`  ${event.node}: ${progressText(event.progress)}`];
    case 'node.retrying':
      return [
        paint(
          'yellow',
          `! ${event.node}: attempt ${event.attempt} failed, again in ${durationText(event.delayMs)}: ${event.error.message}`,
        ),
      ];
    case 'node.succeeded':
      return [`${paint('green', '+')} ${event.node}: ${event.result.summary}`];
    case 'node.failed':
      return [
        `${paint('red', 'x')} ${event.node}: ${event.error.message} ${paint('dim', `(${event.error.code})`)}`,
        ...(event.error.hint === undefined ? [] : [`    what to do: ${event.error.hint}`]),
      ];
    case 'node.skipped':
      return [paint('yellow', `- ${event.node}: skipped, because ${event.because} did not succeed`)];
    case 'node.cancelled':
      return [paint('yellow', `- ${event.node}: cancelled`)];
    case 'node.kept':
      return [paint('dim', `= ${event.node}: done in run ${event.fromRun}, not done again`)];
    case 'log': {
      if (event.level === 'debug') return [];
      const text = event.node === undefined ? `  ${event.text}` : `  ${event.node}: ${event.text}`;
      return [event.level === 'error' ? paint('red', text) : event.level === 'warn' ? paint('yellow', text) : text];
    }
    case 'dbt.result':
      // dbt's own log has a line for each already.
      return isBad(event.result) ? [`  ${event.node}: ${dbtText(event.result, paint)}`] : [];
    case 'run.succeeded':
      return [`${paint('green', 'succeeded')}: run ${event.runId}`];
    case 'run.failed':
      return [`${paint('red', 'failed')}: run ${event.runId}: ${event.error.message}`];
    case 'run.cancelled':
      return [`${paint('yellow', 'cancelled')}: run ${event.runId}: ${event.reason}`];
    case 'run.interrupted':
      return [`${paint('red', 'interrupted')}: run ${event.runId}: ${event.reason}`];
    default:
      return unreachable(event);
  }
}

/** `12,000 of ~50,000 rows, 3.4 MB, 2 files, copying`. */
export function progressText(progress: Progress): string {
  const parts: string[] = [];
  if (progress.rows !== undefined)
    parts.push(
      progress.rowsOf === undefined
        ? countText(progress.rows, 'row')
        : `${countText(progress.rows)} of ~${countText(progress.rowsOf, 'row')}`,
    );
  if (progress.bytes !== undefined) parts.push(bytesText(progress.bytes));
  if (progress.files !== undefined)
    parts.push(
      progress.filesOf === undefined
        ? countText(progress.files, 'file')
        : `${countText(progress.files)} of ${countText(progress.filesOf, 'file')}`,
    );
  if (progress.doing !== undefined) parts.push(progress.doing);
  return parts.join(', ');
}

function isBad(result: DbtResult): boolean {
  return result.status === 'error' || result.status === 'fail' || result.status === 'partial success';
}

function dbtText(result: DbtResult, paint: Paint): string {
  const bad = isBad(result);
  const status = paint(bad ? 'red' : result.status === 'warn' || result.status === 'skipped' ? 'yellow' : 'green', result.status);
  const rows = result.rows === undefined ? '' : `, ${countText(result.rows, 'row')}`;
  const message = bad && result.message !== undefined ? `: ${result.message}` : '';
  return `${result.kind} ${result.name} ${status}${rows}, ${durationText(result.durationMs)}${message}`;
}
