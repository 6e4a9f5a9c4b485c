import type { Clock } from '../base/clock.ts';
import { redact } from '../base/secret.ts';
import type { Event, Progress } from '../event.ts';
import type { Reporter } from '../reporter.ts';
import { type Paint, painter } from './color.ts';
import { progressText } from './event-view.ts';
import { countText, durationText } from './figures.ts';
import type { Output } from './output.ts';
import { plainReporter } from './plain.ts';

/** A node at work, as its line shows it. */
interface Active {
  readonly node: string;
  readonly sinceMs: number;
  readonly progress: Progress | undefined;
}

const redrawEveryMs = 100;
const barWidth = 20;

/** For a terminal: what has happened as lines, and below them one line per node at work, redrawn in place. */
export function humanReporter(output: Output, clock: Clock): Reporter {
  const paint = painter(true, output.env);
  const active = new Map<string, Active>();
  let drawn = 0;
  let drawnAt = 0;

  const erase = (): void => {
    // Up, to the first column, and clear to the end of the screen (ECMA-48 CUU, ED).
    if (drawn > 0) output.error(`\u001b[${drawn}A\r\u001b[J`);
    drawn = 0;
  };
  const draw = (): void => {
    const width = Math.max(20, (output.columns() ?? 80) - 1);
    const lines = [...active.values()].map((a) => activeLine(a, clock.now(), width, paint));
    if (lines.length > 0) output.error(redact(`${lines.join('\n')}\n`));
    drawn = lines.length;
    drawnAt = clock.now();
  };
  const around = (write: () => void): void => {
    erase();
    write();
    draw();
  };
  const plain = plainReporter(output);
  return {
    event(event) {
      track(active, event);
      if (event.type === 'node.started') return around(() => undefined);
      if (event.type !== 'node.progress') return around(() => plain.event(event));
      if (clock.now() - drawnAt >= redrawEveryMs) around(() => undefined);
    },
    diagnostics: (found) => around(() => plain.diagnostics(found)),
    plan: (plan, options) => around(() => plain.plan(plan, options)),
    error: (error, cause) => around(() => plain.error(error, cause)),
    note: (text) => around(() => plain.note(text)),
    data: (document, text, kind) => around(() => plain.data(document, text, kind)),
    close: erase,
  };
}

function track(active: Map<string, Active>, event: Event): void {
  switch (event.type) {
    case 'node.started':
      active.set(event.node, { node: event.node, sinceMs: Date.parse(event.at), progress: undefined });
      return;
    case 'node.progress': {
      const before = active.get(event.node);
      if (before !== undefined) active.set(event.node, { ...before, progress: event.progress });
      return;
    }
    case 'node.succeeded':
    case 'node.failed':
    case 'node.retrying':
    case 'node.cancelled':
    case 'node.skipped':
      active.delete(event.node);
      return;
    case 'run.succeeded':
    case 'run.failed':
    case 'run.cancelled':
      active.clear();
      return;
    default:
      return;
  }
}

/** `extract users  ######..............  12,000 of ~50,000 rows, 3.4 MB, 4,300 rows/s, 9 s left`, no wider than `width`. */
function activeLine({ node, sinceMs, progress }: Active, nowMs: number, width: number, paint: Paint): string {
  const elapsed = Math.max(0, nowMs - sinceMs);
  const parts: string[] = [];
  const { rows, rowsOf } = progress ?? {};
  if (progress !== undefined) parts.push(progressText(progress));
  if (rows !== undefined && rows > 0 && elapsed >= 1000) {
    const perMs = rows / elapsed;
    parts.push(`${countText(perMs * 1000)} rows/s`);
    if (rowsOf !== undefined && rowsOf > rows) parts.push(`${durationText((rowsOf - rows) / perMs)} left`);
  } else parts.push(durationText(elapsed));
  const bar = rows !== undefined && rowsOf !== undefined && rowsOf > 0 ? `  ${barOf(rows / rowsOf)}` : '';
  const text = `  ${node}${bar}  ${parts.filter((p) => p !== '').join(', ')}`;
  return paint('cyan', text.length > width ? `${text.slice(0, width - 1)}…` : text);
}

function barOf(share: number): string {
  const full = Math.round(Math.min(1, share) * barWidth);
  return '#'.repeat(full) + '.'.repeat(barWidth - full);
}
