import { redact } from '../base/secret.ts';
import type { NodeRun, Run } from '../run.ts';
import { countText, durationText } from './figures.ts';

/** How a run ended, for a person: rows per table and node, what failed, and what to do. */
export function runSummary(run: Run): string {
  const took = run.endedAt === undefined ? '' : ` after ${durationText(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`;
  const lines = ['', `${run.pipeline}: ${run.state}${took}`];
  const tables = [...new Set(run.nodes.flatMap((n) => (n.table === undefined ? [] : [n.table])))];
  lines.push(...columns(tables.map((table) => [table, ...run.nodes.filter((n) => n.table === table).map(nodeText)])));
  for (const node of run.nodes.filter((n) => n.table === undefined)) lines.push(...columns([[node.id, nodeText(node)]]));
  for (const node of run.nodes.filter((n) => n.state === 'failed' && n.error !== undefined)) {
    lines.push(`${node.id} failed: ${node.error?.message}`);
    if (node.error?.hint !== undefined) lines.push(`  what to do: ${node.error.hint}`);
  }
  if (run.state !== 'succeeded') lines.push(`Go on with what is missing: engine retry ${run.runId}`);
  return redact(lines.join('\n'));
}

/** Rows of text with their columns in line, two spaces before and between. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}

/** `extract 10,000 rows`, `load failed`, `dbt 12 ok`. */
function nodeText(node: NodeRun): string {
  const verb = node.type.slice(node.type.lastIndexOf('.') + 1);
  if (node.keptFrom !== undefined) return `${verb} kept`;
  if (node.state !== 'succeeded') return `${verb} ${node.state}`;
  if (node.dbt.length > 0) return `${verb} ${countText(node.dbt.length, 'result')} ok`;
  return node.result?.rows === undefined ? `${verb} ok` : `${verb} ${countText(node.result.rows, 'row')}`;
}
