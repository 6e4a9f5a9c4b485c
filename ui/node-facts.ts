import type { NodeRun } from '../engine/run.ts';
import { bytesText, countText, durationText } from './figures.ts';

/** A piece of what is said of a node: words, a name, a moment to the microsecond, or something with a page of its own. */
export type FactPart =
  | { readonly kind: 'words' | 'name'; readonly text: string }
  | { readonly kind: 'moment'; readonly at: string }
  | { readonly kind: 'version'; readonly table: string; readonly version: number; readonly text?: string }
  | { readonly kind: 'table'; readonly table: string; readonly text: string };

/** One line of what a node read, wrote and met. */
export interface Fact {
  readonly label: string;
  readonly parts: readonly FactPart[];
}

type Facts = Readonly<Record<string, unknown>>;

const words = (text: string): FactPart => ({ kind: 'words', text });
const name = (text: string): FactPart => ({ kind: 'name', text });
const moment = (at: string): FactPart => ({ kind: 'moment', at });

/** What a node says of itself in its facts, in the field's words; those that this page does not know are told as they are. */
export function nodeFacts(node: NodeRun): readonly Fact[] {
  const facts: Facts = node.result?.facts ?? {};
  if (node.type.endsWith('.extract')) return [...extractFacts(node, facts), ...others(facts, extractKnown)];
  if (node.type.endsWith('.load')) return [...loadFacts(node, facts), ...others(facts, loadKnown)];
  if (node.type.endsWith('.truncate')) return [...truncateFacts(node, facts), ...others(facts, ['into', 'emptied', 'rowsBefore'])];
  return others(facts, []);
}

const extractKnown = [
  ...['relation', 'mode', 'cursor', 'low', 'lastFence', 'lastValue', 'fence', 'value', 'heldBy', 'heldSince', 'extractedAt'],
  ...['version', 'files', 'paths', 'rows', 'bytes', 'columns'],
];

function extractFacts(node: NodeRun, facts: Facts): readonly Fact[] {
  const { relation, cursor, low, lastFence, lastValue, fence, value, heldBy, heldSince, extractedAt, version, files, columns } = facts;
  const found: Fact[] = [];
  const reads: FactPart[] = [name(textOf(relation) ?? node.table ?? node.id)];
  if (typeof low !== 'string') reads.push(words(', everything'));
  else {
    reads.push(words(', what has '), name(textOf(cursor) ?? 'its cursor'), words(' from '), momentOrName(low));
    if (typeof lastFence === 'string') reads.push(words(' (the last fence '), moment(lastFence), words(`${lessText(lastFence, low)})`));
    else if (typeof lastValue === 'string') reads.push(words(' (the highest seen before was '), name(lastValue), words(')'));
    reads.push(words(' upwards'));
  }
  if (typeof columns === 'number') reads.push(words(`; ${countText(columns, 'column')}`));
  found.push({ label: 'read', parts: reads });
  if (typeof extractedAt === 'string') found.push({ label: 'snapshot', parts: [moment(extractedAt)] });
  if (value !== undefined) found.push({ label: 'up to', parts: [typeof value === 'string' ? name(value) : words('no value yet')] });
  else if (typeof fence === 'string') {
    const held = typeof heldBy === 'string' ? [words(', held back by '), words(heldBy)] : [words(', held back by nobody')];
    const since = typeof heldSince === 'string' && !String(heldBy).includes(heldSince) ? [words(', since '), moment(heldSince)] : [];
    found.push({ label: 'fence', parts: [moment(fence), ...held, ...since] });
  }
  if (typeof version === 'number') {
    const wrote: FactPart[] = [{ kind: 'version', table: node.table ?? '', version }];
    if (typeof files === 'number') wrote.push(words(`, ${countText(files, 'file')}`));
    if (node.result?.bytes !== undefined) wrote.push(words(`, ${bytesText(node.result.bytes)}`));
    if (node.result?.rows !== undefined) wrote.push(words(`, ${countText(node.result.rows, 'row')}`));
    found.push({ label: 'lake', parts: wrote });
  }
  return [...found, ...filesOf(facts)];
}

/** Their paths in the table's folder of the lake. */
function filesOf({ paths, files }: Facts): readonly Fact[] {
  if (!Array.isArray(paths) || paths.length === 0) return [];
  const more = typeof files === 'number' && files > paths.length ? [words(` and ${countText(files - paths.length)} more`)] : [];
  const parts = paths.flatMap((path, index) => [...(index === 0 ? [] : [words(', ')]), name(String(path))]);
  return [{ label: 'files', parts: [...parts, ...more] }];
}

const loadKnown = [
  ...['into', 'versions', 'committed', 'lakeVersion', 'files', 'rows', 'inserted', 'updated', 'unchanged'],
  ...['replaced', 'rowsBefore', 'created', 'columnsAdded', 'because'],
];

function loadFacts(node: NodeRun, facts: Facts): readonly Fact[] {
  const { into, versions, lakeVersion, files, inserted, updated, unchanged, replaced, rowsBefore, created, columnsAdded, because } = facts;
  const table = node.table ?? '';
  const found: Fact[] = [];
  const target: FactPart = typeof into === 'string' ? { kind: 'table', table, text: into } : { kind: 'table', table, text: table };
  found.push({ label: 'into', parts: [target, ...(created === true ? [words(', made by this load')] : [])] });
  const numbers = Array.isArray(versions) ? versions.filter((v): v is number => typeof v === 'number') : [];
  if (numbers.length > 0) {
    const parts = numbers.flatMap((version, index): FactPart[] => [
      ...(index === 0 ? [] : [words(', ')]),
      { kind: 'version', table, version },
    ]);
    if (typeof files === 'number') parts.push(words(`: ${countText(files, 'file')}`));
    if (typeof because === 'string') parts.push(words(`; anew, because ${because}`));
    found.push({ label: 'loaded', parts });
  } else if (typeof lakeVersion === 'number' && lakeVersion >= 0)
    found.push({ label: 'loaded', parts: [words('nothing new, the lake is at '), { kind: 'version', table, version: lakeVersion }] });
  if (numbers.length > 0) {
    const rows = [
      `${countText(Number(inserted))} inserted`,
      `${countText(Number(updated))} updated`,
      `${countText(Number(unchanged))} unchanged`,
      ...(replaced === true
        ? [`all that was there was replaced${typeof rowsBefore === 'number' ? ` (~${countText(rowsBefore, 'row')})` : ''}`]
        : []),
    ];
    found.push({ label: 'rows', parts: [words(rows.join(', '))] });
  }
  if (Array.isArray(columnsAdded) && columnsAdded.length > 0)
    found.push({ label: 'columns added', parts: [name(columnsAdded.map(String).join(', '))] });
  return found;
}

function truncateFacts(node: NodeRun, { into, emptied, rowsBefore }: Facts): readonly Fact[] {
  if (emptied === undefined) return [];
  const rows = typeof rowsBefore === 'number' ? ` (~${countText(rowsBefore, 'row')})` : '';
  const text = emptied === true ? `is emptied${rows}, in the transaction of the load` : 'is left as it is: no full version is due';
  return [
    { label: 'table', parts: [{ kind: 'table', table: node.table ?? '', text: textOf(into) ?? node.table ?? '' }, words(` ${text}`)] },
  ];
}

/** Lists are of what dbt did, which its own table says better. */
function others(facts: Facts, known: readonly string[]): readonly Fact[] {
  return Object.entries(facts)
    .filter(([key, value]) => !known.includes(key) && value !== null && value !== '' && !Array.isArray(value))
    .map(([label, value]) => ({ label: label === 'targetPath' ? 'artifacts' : label, parts: [shown(value)] }));
}

function shown(value: unknown): FactPart {
  if (typeof value === 'string') return momentOrName(value);
  return words(typeof value === 'number' ? countText(value) : JSON.stringify(value));
}

function momentOrName(text: string): FactPart {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? moment(text) : name(text);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** ` less 10 s`: the lookback. */
function lessText(from: string, to: string): string {
  const ms = Date.parse(from) - Date.parse(to);
  return ms === 0 ? '' : ms > 0 ? ` less ${durationText(ms).replace(/\.0 s$/, ' s')}` : ` and ${durationText(-ms)}`;
}
