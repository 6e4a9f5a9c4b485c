import type { Config, PipelineConfig } from '../config.ts';
import { below, lineOf, lineStarts, type Place, type Span } from './findings.ts';
import { readYaml } from './read.ts';
import { shownYaml } from './shown.ts';

/** The lines of a pipelines.yaml that declare one pipeline and what it is made from, as they may leave this machine. */
export interface Declaration {
  /** In the order of the file, numbered from 1. */
  readonly lines: readonly { readonly line: number; readonly text: string }[];
  /** What stands where: the number of the first line of each. Those of which there is one only have no name. */
  readonly parts: readonly DeclaredPart[];
}

export interface DeclaredPart {
  readonly kind: 'pipeline' | 'table' | 'defaults' | 'source' | 'sink' | 'lake' | 'dbt';
  readonly name: string;
  readonly line: number;
}

/** `text` is what `config` was read from; `tables` are those of the pipeline, whatever patterns brought them. Comments above a part belong to it; what a part merges in (`<<`) does too. */
export async function declarationOf(
  text: string,
  config: Config,
  pipeline: PipelineConfig,
  tables: readonly string[],
): Promise<Declaration> {
  const plain = text.replace(/^\uFEFF/, '');
  const { places } = await readYaml(config.file, plain);
  const starts = lineStarts(plain);
  const lines = plain.split(/\r?\n/);
  const wanted = new Set<number>();
  const parts: DeclaredPart[] = [];
  for (const { kind, name, pointer } of pointersOf(config, pipeline, tables)) {
    const place = places.get(pointer);
    if (place === undefined) continue;
    const first = lineOf(starts, (place.key ?? place.value)[0]);
    parts.push({ kind, name, line: first + 1 });
    for (const [at, inner] of places)
      if (at === pointer || at.startsWith(`${pointer}/`)) for (const line of linesOf(lines, starts, inner)) wanted.add(line);
    const section = places.get(pointer.slice(0, pointer.lastIndexOf('/')))?.key;
    for (const line of [...commentsAbove(lines, first), ...(section === undefined ? [] : [lineOf(starts, section[0])])]) wanted.add(line);
  }
  const shown = shownYaml(plain);
  return {
    lines: [...wanted].sort((a, b) => a - b).map((line) => ({ line: line + 1, text: shown[line] ?? '' })),
    parts: parts.sort((a, b) => a.line - b.line),
  };
}

function pointersOf(
  config: Config,
  pipeline: PipelineConfig,
  tables: readonly string[],
): readonly (Omit<DeclaredPart, 'line'> & { readonly pointer: string })[] {
  const declared = tables.flatMap((name) => (Object.hasOwn(config.tables, name) ? (config.tables[name] ?? []) : []));
  const undeclared = tables.length > declared.length || tables.length === 0;
  const used = (of: 'source' | 'sink'): readonly string[] => [
    ...new Set([...declared.map((table) => table[of]), ...(undeclared ? [config.tableDefaults[of]] : [])].flatMap((name) => name ?? [])),
  ];
  const dbt = pipeline.dbt.length === 0 ? undefined : config.dbt;
  const sinks = [...new Set([...used('sink'), ...(dbt === undefined ? [] : [dbt.sink])])];
  return [
    { kind: 'pipeline', name: pipeline.name, pointer: below('/pipelines', pipeline.name) },
    ...declared.map(({ name }) => ({ kind: 'table' as const, name, pointer: below('/tables', name) })),
    { kind: 'defaults', name: '', pointer: '/defaults' },
    ...used('source').map((name) => ({ kind: 'source' as const, name, pointer: below('/sources', name) })),
    ...sinks.map((name) => ({ kind: 'sink' as const, name, pointer: below('/sinks', name) })),
    { kind: 'lake', name: '', pointer: '/lake' },
    ...(dbt === undefined ? [] : [{ kind: 'dbt' as const, name: '', pointer: '/dbt' }]),
  ];
}

/** From the key to the end of the value, without empty lines and comments behind it. Key and value stand apart where an alias or a merge brings the value. */
function linesOf(lines: readonly string[], starts: readonly number[], { key, value }: Place): readonly number[] {
  const range = ([from, to]: Span): readonly number[] => {
    const first = lineOf(starts, from);
    let last = lineOf(starts, Math.max(from, to - 1));
    while (last > first && /^\s*(?:#|$)/.test(lines[last] ?? '')) last -= 1;
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  };
  return [...(key === undefined ? [] : range(key)), ...range(value)];
}

/** Comments right above a line that are as far in as the line. */
function commentsAbove(lines: readonly string[], line: number): readonly number[] {
  const indent = (text = ''): number => text.search(/\S/);
  const found: number[] = [];
  for (let above = line - 1; indent(lines[above]) === indent(lines[line]) && lines[above]?.trimStart().startsWith('#') === true; above -= 1)
    found.push(above);
  return found;
}
