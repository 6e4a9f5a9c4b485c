import { lakeFolder } from '../base/lake-folder.ts';
import type { Config, PipelineConfig, Relation, TableConfig } from '../config.ts';
import type { CatalogTable } from '../connector.ts';
import type { Finding } from '../graph.ts';

/** A pipeline's tables by name, wildcards answered, and what is wrong with them. */
export interface Expansion {
  readonly tables: readonly TableConfig[];
  readonly findings: readonly Finding[];
}

export type Catalogs = ReadonlyMap<string, readonly CatalogTable[]>;

/** The source whose catalog the pipeline's wildcards need; undefined when it has none, or when no source is meant by default. */
export function wildcardSource(config: Config, pipeline: PipelineConfig): string | undefined {
  return pipeline.tables.some((item) => isPattern(config, item)) ? config.tableDefaults.source : undefined;
}

/**
 * Answers a pipeline's `tables` from the catalogs: ordinary tables and partitioned parents that match a pattern, less `exclude`. Declared tables keep their
 * settings, others take the defaults. Pure. What collides, matches nothing or lacks a cursor is a finding.
 */
export function expandTables(config: Config, pipeline: PipelineConfig, catalogs: Catalogs): Expansion {
  const found = resolve(config, pipeline, catalogs);
  const findings = [...found.findings, ...cursorFindings(found.chosen, pipeline), ...collisions(config, pipeline, found.chosen, catalogs)];
  return { tables: found.chosen.map((one) => one.table), findings };
}

interface Chosen {
  readonly table: TableConfig;
  readonly at: Finding['at'];
  /** Set when a wildcard brought it. */
  readonly catalog: CatalogTable | undefined;
}

function resolve(config: Config, pipeline: PipelineConfig, catalogs: Catalogs): { chosen: Chosen[]; findings: Finding[] } {
  const chosen = new Map<string, Chosen>();
  const findings: Finding[] = [];
  const excluded = exclusions(config, pipeline);
  pipeline.tables.forEach((item, index) => {
    const at = ['pipelines', pipeline.name, 'tables', index];
    const declared = ownTable(config, item);
    if (declared !== undefined) {
      const key = `declared ${item}`;
      if (!chosen.has(key)) chosen.set(key, { table: declared, at, catalog: undefined });
      return;
    }
    if (!item.includes('*')) {
      findings.push({ severity: 'error', code: 'tables.unknown', message: `there is no table \`${item}\` under \`tables:\``, at });
      return;
    }
    const answer = answerPattern(config, item, catalogs, at);
    findings.push(...answer.findings);
    const kept = answer.matches.filter((match) => !excluded.matches(match));
    if (answer.findings.length === 0 && kept.length === 0) findings.push(nothingMatched(item, answer, at));
    for (const match of kept) {
      for (const one of tablesOf(config, answer.source, match)) {
        if (excluded.names.has(one.name)) continue;
        const key = config.tables[one.name] === one ? `declared ${one.name}` : `found ${match.schema}\0${match.name}`;
        if (!chosen.has(key)) chosen.set(key, { table: one, at, catalog: match });
      }
    }
  });
  findings.push(...excluded.idle(pipeline));
  return { chosen: [...chosen.values()], findings };
}

interface Answer {
  readonly source: string;
  readonly matches: readonly CatalogTable[];
  /** How many relations matched that are neither tables nor partitioned parents. */
  readonly others: number;
  readonly findings: readonly Finding[];
}

function answerPattern(config: Config, pattern: string, catalogs: Catalogs, at: Finding['at']): Answer {
  const { source, sink } = config.tableDefaults;
  const none = (code: string, message: string, hint: string): Answer => ({
    source: '',
    matches: [],
    others: 0,
    findings: [{ severity: 'error', code, message, hint, at }],
  });
  if (source === undefined)
    return none('tables.which-source', `\`${pattern}\` does not say which source it means`, 'Name one under `defaults: { source: ... }`.');
  if (sink === undefined)
    return none('tables.which-sink', `\`${pattern}\` does not say which sink it means`, 'Name one under `defaults: { sink: ... }`.');
  const matcher = parsePattern(pattern);
  if (matcher === undefined)
    return none(
      'tables.bad-pattern',
      `\`${pattern}\` is no pattern`,
      'Write schema.name with `*`, for example `public.*`; odd names in double quotes, as in \'"Sales".*\'.',
    );
  const all = (catalogs.get(source) ?? []).filter((table) => matcher(table));
  const matches = all.filter((table) => table.kind === 'table' || table.kind === 'partitioned');
  return { source, matches, others: all.length - matches.length, findings: [] };
}

function nothingMatched(pattern: string, answer: Answer, at: Finding['at']): Finding {
  const left = answer.matches.length > 0 ? `: all ${answer.matches.length} tables are excluded` : '';
  const others = answer.others > 0 ? ` (${answer.others} views or foreign tables match; a wildcard takes none of those)` : '';
  return {
    severity: 'error',
    code: 'tables.nothing-matched',
    message: `\`${pattern}\` matches no table of source \`${answer.source}\`${left}${others}`,
    hint: 'Check the spelling and whether the role may use the schema; declare a view under `tables:` to take it.',
    at,
  };
}

/** Declared tables that read this relation; else one made from the defaults. */
function tablesOf(config: Config, source: string, match: CatalogTable): readonly TableConfig[] {
  const declared = Object.values(config.tables).filter((table) => table.source === source && sameRelation(table.relation, match));
  if (declared.length > 0) return declared;
  const sink = config.tableDefaults.sink ?? '';
  const into: Relation = { schema: config.sinks[sink]?.schema ?? 'staging', name: match.name };
  return [{ ...config.tableDefaults, name: match.name, relation: { schema: match.schema, name: match.name }, source, sink, into }];
}

function cursorFindings(chosen: readonly Chosen[], pipeline: PipelineConfig): Finding[] {
  if (pipeline.mode !== 'incremental') return [];
  return chosen.flatMap(({ table, at, catalog }): Finding[] => {
    if (catalog === undefined) return [];
    const name = `\`${catalog.schema}.${catalog.name}\``;
    const found: Finding[] = [];
    const way = `Exclude it (\`exclude: [${catalog.schema}.${catalog.name}]\`) or declare it under \`tables:\` with`;
    if (table.cursor === undefined || !catalog.columns.some((column) => column.name === table.cursor)) {
      const what = table.cursor === undefined ? 'has no cursor' : `has no column \`${table.cursor}\` for its cursor`;
      found.push({
        severity: 'error',
        code: 'tables.no-cursor',
        message: `${name}, which an incremental pipeline takes by a wildcard, ${what}`,
        hint: `${way} a \`cursor\`; or take it in a full pipeline.`,
        at,
      });
    }
    if (table.load === 'merge' && table.key === undefined && catalog.primaryKey.length === 0) {
      found.push({
        severity: 'error',
        code: 'tables.no-key',
        message: `${name} has no primary key, so that changed rows cannot be merged`,
        hint: `${way} a \`key\` or \`load: append\`; or take it in a full pipeline.`,
        at,
      });
    }
    return found;
  });
}

/** Two tables in one lake folder or one target, among this pipeline's, the declared ones, and what other pipelines' wildcards bring. */
function collisions(config: Config, pipeline: PipelineConfig, chosen: readonly Chosen[], catalogs: Catalogs): Finding[] {
  const others = Object.values(config.pipelines).filter((other) => other.name !== pipeline.name);
  const elsewhere = [
    ...Object.values(config.tables),
    ...others.flatMap((other) => resolve(config, other, catalogs).chosen.map((one) => one.table)),
  ];
  const findings: Finding[] = [];
  const places: readonly [string, (table: TableConfig) => string, (table: TableConfig) => string][] = [
    ['lake folder', (t) => lakeFolder(t.name).toLowerCase(), (t) => `\`${lakeFolder(t.name)}\``],
    ['target', (t) => JSON.stringify([t.sink, t.into.schema, t.into.name]), (t) => `\`${t.into.schema}.${t.into.name}\` in ${t.sink}`],
  ];
  for (const [what, keyOf, show] of places) {
    const owners = new Map<string, TableConfig>();
    for (const table of elsewhere) if (!owners.has(keyOf(table))) owners.set(keyOf(table), table);
    for (const { table, at } of chosen) {
      const owner = owners.get(keyOf(table));
      if (owner === undefined) owners.set(keyOf(table), table);
      else if (owner.name !== table.name || owner.source !== table.source || !sameRelation(owner.relation, table.relation)) {
        findings.push({
          severity: 'error',
          code: what === 'target' ? 'tables.same-target' : 'tables.same-folder',
          message: `${showTable(owner)} and ${showTable(table)} would share the ${what} ${show(table)}`,
          hint: `Declare one of them under \`tables:\` with another name${what === 'target' ? ' or `into`' : ''}, or exclude it.`,
          at,
        });
      }
    }
  }
  return findings;
}

const showTable = (table: TableConfig): string => `\`${table.relation.schema}.${table.relation.name}\` of ${table.source}`;

interface Exclusions {
  readonly names: ReadonlySet<string>;
  matches(table: CatalogTable): boolean;
  /** A warning for each item that left nothing out, known once all patterns are answered. */
  idle(pipeline: PipelineConfig): Finding[];
}

function exclusions(config: Config, pipeline: PipelineConfig): Exclusions {
  const names = new Set(pipeline.exclude.filter((item) => ownTable(config, item) !== undefined));
  const matchers = pipeline.exclude.map((item) => {
    const declared = ownTable(config, item)?.relation;
    if (declared !== undefined)
      return (table: CatalogTable) => sameRelation(declared, table) && ownersOf(config, table).every((o) => names.has(o));
    const pattern = parsePattern(item.includes('.') ? item : `*.${item}`);
    return pattern ?? (() => false);
  });
  const used = new Set<number>();
  return {
    names,
    matches: (table) => {
      let hit = false;
      matchers.forEach((matcher, index) => {
        if (!matcher(table)) return;
        used.add(index);
        hit = true;
      });
      return hit;
    },
    idle: () =>
      pipeline.exclude.flatMap((item, index): Finding[] =>
        used.has(index) || names.has(item) || !pipeline.tables.some((t) => isPattern(config, t))
          ? []
          : [
              {
                severity: 'warning',
                code: 'tables.idle-exclude',
                message: `\`exclude\` names \`${item}\`, which leaves out nothing`,
                at: ['pipelines', pipeline.name, 'exclude', index],
              },
            ],
      ),
  };
}

const ownersOf = (config: Config, relation: Relation): string[] =>
  Object.values(config.tables)
    .filter((table) => table.source === config.tableDefaults.source && sameRelation(table.relation, relation))
    .map((table) => table.name);

const sameRelation = (a: Relation, b: Relation): boolean => a.schema === b.schema && a.name === b.name;

const ownTable = (config: Config, name: string): TableConfig | undefined =>
  Object.hasOwn(config.tables, name) ? config.tables[name] : undefined;

const isPattern = (config: Config, item: string): boolean => item.includes('*') && ownTable(config, item) === undefined;

/** A test for relations from `schema.name` as SQL writes it, with `*` for any characters outside double quotes; without a schema, `public`. */
export function parsePattern(pattern: string): ((relation: Relation) => boolean) | undefined {
  const parts = pattern.trim().match(/^(?:("(?:[^"]|"")+"|[^".\s]+)\.)?("(?:[^"]|"")+"|[^".\s]+)$/);
  if (parts === null) return undefined;
  const schema = partMatcher(parts[1] ?? 'public');
  const name = partMatcher(parts[2] ?? '');
  return (relation) => schema.test(relation.schema) && name.test(relation.name);
}

function partMatcher(part: string): RegExp {
  const quoted = part.startsWith('"');
  const text = quoted ? part.slice(1, -1).replaceAll('""', '"') : part;
  const exact = (literal: string): string => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${quoted ? exact(text) : text.split('*').map(exact).join('.*')}$`, 'su');
}
