import { redact } from '../base/secret.ts';
import { unreachable } from '../base/unreachable.ts';
import type { NodePlan, Plan, PlannedNode } from '../plan.ts';
import { type Paint, painter, type Style } from './color.ts';
import { bytesText, countText } from './figures.ts';

export interface PlanViewOptions {
  readonly sql: boolean;
  /** Default: colours when stdout is a terminal and NO_COLOR is not set. */
  readonly paint?: Paint;
  /** Lines are wrapped at so many characters; default: the terminal's width, not at all elsewhere. */
  readonly width?: number;
}

/** A plan as text for a person: a glyph and a line per node, what belongs to it below, next fires, totals at the end. Estimates are marked `~`. Ends with a newline; secrets redacted. */
export function renderPlan(plan: Plan, options: PlanViewOptions): string {
  const terminal = process.stdout.isTTY === true;
  const paint = options.paint ?? painter(terminal, process.env);
  const width = options.width ?? (terminal ? process.stdout.columns : undefined) ?? Number.POSITIVE_INFINITY;
  const wrapAt = Math.max(40, width);
  const tables = new Set(plan.nodes.map((node) => node.table).filter((table) => table !== undefined)).size;
  const lines = [`${paint('bold', plan.pipeline)}: ${plan.mode}, ${countText(tables, 'table')}`, ''];
  const idWidth = Math.min(32, Math.max(0, ...plan.nodes.map((node) => node.id.length)));
  plan.nodes.forEach((node, index) => {
    lines.push(...nodeLines(node, bracket(plan.nodes, index), idWidth, wrapAt, options.sql, paint));
  });
  if (plan.nodes.length > 0) lines.push('');
  for (const schedule of plan.schedules) {
    const marked = (fire: string): string => (schedule.clocksSet.includes(fire.slice(0, 10)) ? `${fire} (clocks are set that day)` : fire);
    lines.push(...wrap(`next ${schedule.cron} (${schedule.timezone}): ${schedule.next.map(marked).join(', ')}`, '', '  ', wrapAt));
  }
  lines.push(...wrap(totals(plan.nodes), `${paint('bold', 'Plan:')} `, '  ', wrapAt, 6));
  return redact(`${lines.join('\n')}\n`);
}

/** Nodes that land together are held by a bracket. */
function bracket(nodes: readonly PlannedNode[], index: number): string {
  const unit = nodes[index]?.unit;
  const before = nodes[index - 1]?.unit === unit;
  const after = nodes[index + 1]?.unit === unit;
  if (before && after) return '│';
  if (after) return '┌';
  return before ? '└' : ' ';
}

function nodeLines(node: PlannedNode, edge: string, idWidth: number, width: number, sql: boolean, paint: Paint): string[] {
  const { glyph, format } = glyphOf(node.plan.action);
  const estimate = estimateOf(node.plan);
  const inside = edge === '┌' || edge === '│' ? '│' : ' ';
  const head = `${paint(format, glyph.padStart(3))} ${edge} ${paint('bold', node.id)}${' '.repeat(Math.max(0, idWidth - node.id.length))}  `;
  const indent = `    ${inside}   `;
  const summary = estimate === '' ? node.plan.summary : `${node.plan.summary} (${estimate})`;
  const lines = wrap(summary, head, `    ${inside} ${' '.repeat(idWidth + 2)}`, width, 8 + idWidth);
  for (const detail of node.plan.details) lines.push(...wrap(detail, indent, `${indent}  `, width));
  for (const warning of node.plan.warnings) {
    const [first = '', ...rest] = wrap(`warning: ${warning}`, indent, `${indent}  `, width);
    lines.push(...[first, ...rest].map((line) => paint('yellow', line)));
  }
  if (sql)
    for (const statement of node.plan.sql) lines.push(...statement.split('\n').map((line) => `${indent}${paint('dim', `| ${line}`)}`));
  return lines;
}

function glyphOf(action: NodePlan['action']): { readonly glyph: string; readonly format: Style } {
  switch (action) {
    case 'create':
      return { glyph: '+', format: 'green' };
    case 'replace':
      return { glyph: '-/+', format: 'red' };
    case 'merge':
      return { glyph: '~', format: 'yellow' };
    case 'read':
      return { glyph: '>', format: 'cyan' };
    case 'run':
      return { glyph: '*', format: 'cyan' };
    case 'nothing':
      return { glyph: '=', format: 'dim' };
    case 'refused':
      return { glyph: '!', format: 'red' };
    default:
      return unreachable(action);
  }
}

function estimateOf(plan: NodePlan): string {
  const parts: string[] = [];
  if (plan.rowsEstimate !== undefined) parts.push(`~${countText(plan.rowsEstimate, 'row')}`);
  if (plan.bytesEstimate !== undefined) parts.push(`~${bytesText(plan.bytesEstimate)}`);
  return parts.join(', ');
}

/** Rows and bytes are those of the extracts: loads move the same ones again. */
function totals(nodes: readonly PlannedNode[]): string {
  const reads = nodes.filter((node) => node.type.endsWith('.extract'));
  const sum = (pick: (plan: NodePlan) => number | undefined): number | undefined => {
    const known = reads.map((node) => pick(node.plan)).filter((n) => n !== undefined);
    return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
  };
  const [rows, size] = [sum((plan) => plan.rowsEstimate), sum((plan) => plan.bytesEstimate)];
  const words: readonly [NodePlan['action'], string][] = [
    ['read', 'to read'],
    ['create', 'to create'],
    ['replace', 'to replace'],
    ['merge', 'to merge'],
    ['run', 'to run'],
    ['nothing', 'with nothing to do'],
    ['refused', 'refused'],
  ];
  const counts = words
    .map(([action, word]) => [nodes.filter((node) => node.plan.action === action).length, word] as const)
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`);
  const warnings = nodes.reduce((n, node) => n + node.plan.warnings.length, 0);
  return [
    counts.length === 0 ? 'nothing' : counts.join(', '),
    ...(rows === undefined ? [] : [`~${countText(rows, 'row')}`]),
    ...(size === undefined ? [] : [`~${bytesText(size)}`]),
    ...(warnings === 0 ? [] : [countText(warnings, 'warning')]),
  ].join('; ');
}

/** Text behind `first`, further lines behind `next`, broken between words; `firstWidth` where `first` has colour in it. */
function wrap(text: string, first: string, next: string, width: number, firstWidth = first.length): string[] {
  const lines: string[] = [];
  for (const part of text.split('\n')) {
    let line = lines.length === 0 ? first : next;
    let used = lines.length === 0 ? firstWidth : next.length;
    let empty = true;
    for (const word of part.split(' ')) {
      if (!empty && used + 1 + word.length > width) {
        lines.push(line);
        line = next;
        used = next.length;
        empty = true;
      }
      line += empty ? word : ` ${word}`;
      used += word.length + (empty ? 0 : 1);
      empty = false;
    }
    lines.push(line.trimEnd());
  }
  return lines;
}
