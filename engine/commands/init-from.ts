import { lakeFolder } from '../base/lake-folder.ts';
import type { CatalogTable } from '../connector.ts';
import { dbtFiles, type ProjectFile } from './init-sample.ts';

/** A table of a new project, as it was found in the source. */
export interface FoundTable {
  /** Its name under `tables:`. */
  readonly name: string;
  /** The name of its dbt model. */
  readonly model: string;
  readonly table: CatalogTable;
  /** A column that most likely says when a row changed. */
  readonly cursor: string | undefined;
}

/** Names that tables give the time of a row's last change, the likeliest first. */
const cursorNames = [
  'updated_at',
  'last_update',
  'last_updated',
  'last_updated_at',
  'modified_at',
  'last_modified',
  'last_modified_at',
  'modified',
  'changed_at',
  'updated',
  'updated_on',
  'modified_on',
  'update_time',
  'update_date',
  'modified_date',
  'modifieddate',
  'updatedat',
  'modifiedat',
  'lastupdate',
];

/** The likely cursor of a table: a timestamp by one of the usual names, whatever its case. */
export function likelyCursor(table: CatalogTable): string | undefined {
  const times = table.columns.filter((column) => column.type.startsWith('timestamp'));
  for (const name of cursorNames) {
    const found = times.find((column) => column.name.toLowerCase() === name);
    if (found !== undefined) return found.name;
  }
  return undefined;
}

/** Ordinary tables and partitioned parents with names that collide nowhere: not in the lake, whatever the case, and not among dbt's models. */
export function nameTables(catalog: readonly CatalogTable[]): readonly FoundTable[] {
  const taken = new Set<string>();
  const models = new Set<string>();
  const free = (wanted: readonly string[], used: Set<string>, keyOf: (name: string) => string): string => {
    for (let n = 0; ; n += 1) {
      const name = wanted[n] ?? `${wanted.at(-1)}_${n}`;
      if (used.has(keyOf(name))) continue;
      used.add(keyOf(name));
      return name;
    }
  };
  // Plain names of `public` come first, so that they are kept as they are.
  const rank = (table: CatalogTable): number => (table.schema === 'public' ? 0 : 2) + (isPlain(table.name) ? 0 : 1);
  return [...catalog]
    .sort((a, b) => rank(a) - rank(b))
    .filter((table) => (table.kind === 'table' || table.kind === 'partitioned') && table.columns.length > 0)
    .map((table) => {
      const name = free([table.name, `${table.schema}_${table.name}`], taken, (n) => lakeFolder(n).toLowerCase());
      const plain = name
        .toLowerCase()
        .replaceAll(/[^a-z0-9_]/g, '_')
        .replace(/^(?=[0-9])/, 't');
      let model = free([plain], models, (n) => n);
      while (models.has(`stg_${model}`)) model = free([plain], models, (n) => n);
      models.add(`stg_${model}`);
      return { name, model, table, cursor: likelyCursor(table) };
    });
}

/** Changed rows of it can be merged: it has a cursor and a key. */
const byCursor = (found: FoundTable): boolean => found.cursor !== undefined && found.table.primaryKey.length > 0;

/** pipelines.yaml and dbt models for these tables. Pure but for the sample's macros. */
export function filesFrom(tables: readonly FoundTable[]): readonly ProjectFile[] {
  const kept = dbtFiles((path) => !path.startsWith('models/') && !path.startsWith('tests/') && !path.startsWith('seeds/'));
  return [
    { path: 'pipelines.yaml', text: pipelines(tables) },
    ...kept,
    { path: 'dbt/models/staging/sources.yml', text: sources(tables) },
    ...tables.map((found) => ({ path: `dbt/models/staging/stg_${found.model}.sql`, text: stagingModel(found) })),
    ...tables.map((found) => ({ path: `dbt/models/analytics/${found.model}.sql`, text: analyticsModel(found) })),
    { path: 'dbt/models/analytics/analytics.yml', text: analyticsTests(tables) },
  ];
}

function pipelines(tables: readonly FoundTable[]): string {
  const list = (chosen: readonly FoundTable[], indent: string): string =>
    chosen.map((found) => `${indent}- ${yaml(found.name)}`).join('\n');
  const models = (chosen: readonly FoundTable[]): string => `[${chosen.map((found) => yaml(found.model)).join(', ')}]`;
  const [changing, rest] = [tables.filter(byCursor), tables.filter((found) => !byCursor(found))];
  const block = (name: string, comment: string, mode: string, chosen: readonly FoundTable[], schedule = ''): string =>
    chosen.length === 0
      ? ''
      : `
  ${name}:${comment}
    mode: ${mode}
    tables:
${list(chosen, '      ')}
    dbt: ${models(chosen)}
${schedule}`;
  return `# yaml-language-server: $schema=./schemas/pipelines.schema.json
version: 1

sources:
  production:
    type: postgres
    url: \${SOURCE_URL}                   # in .env, which git ignores

lake:
  type: file                             # or a bucket: { type: s3, bucket: NAME, prefix: PATH, region: REGION }
  path: .engine/lake

sinks:
  warehouse:
    type: postgres
    url: \${WAREHOUSE_URL:-embedded}      # 'embedded': a real Postgres server that the engine starts under .engine/
    schema: staging

dbt:
  project: dbt
  sink: warehouse

tables:
${tables.map(tableLine).join('\n')}

pipelines:${block('everything_full_update', '               # the first run; finds deleted rows', 'full', tables)}${block(
    'changes',
    '                              # what changed since the last run',
    'incremental',
    changing,
    '    schedule: { cron: "*/15 * * * *", timezone: UTC }\n',
  )}${changing.length === 0 ? '' : block('rest_full_update', '                     # no cursor or no key: the whole table each time', 'full', rest, '    schedule: { cron: "10 3 * * *", timezone: UTC }\n')}`;
}

function tableLine(found: FoundTable): string {
  const { table, name, cursor } = found;
  const parts: string[] = [];
  if (table.schema !== 'public' || table.name !== name || !isPlain(name))
    parts.push(`table: ${yaml(`${sql(table.schema)}.${sql(table.name)}`)}`);
  const [only, ...more] = table.primaryKey;
  if (only !== undefined) parts.push(`key: ${more.length === 0 ? yaml(only) : `[${table.primaryKey.map(yaml).join(', ')}]`}`);
  if (cursor !== undefined) parts.push(`cursor: ${yaml(cursor)}`);
  return `  ${yaml(name)}: {${parts.length === 0 ? '' : ` ${parts.join(', ')} `}}`;
}

function sources(tables: readonly FoundTable[]): string {
  const lines = tables.map(
    (found) =>
      `      - name: ${yaml(found.model)}${found.model === found.name ? '' : `\n        identifier: ${JSON.stringify(found.name)}`}`,
  );
  return `version: 2

sources:
  - name: staging
    description: What the engine loaded, unchanged, with the time of its extract at the end.
    schema: "{{ var('staging_schema') }}"
    tables:
${lines.join('\n')}
`;
}

function stagingModel({ model, table }: FoundTable): string {
  const columns = [...table.columns.map((column) => sql(column.name)), '_extracted_at'];
  return `select\n${columns.map((column) => `    ${column}`).join(',\n')}\nfrom {{ source('staging', '${model}') }}\n`;
}

function analyticsModel({ model, table }: FoundTable): string {
  const key = table.primaryKey;
  if (key.length === 0) return `{{ config(materialized='table') }}\n\nselect * from {{ ref('stg_${model}') }}\n`;
  const names = key.map((column) => `'${sql(column).replaceAll("'", "\\'")}'`);
  const unique = names.length === 1 ? (names[0] ?? '') : `[${names.join(', ')}]`;
  return `{{ config(unique_key=${unique}, indexes=[{'columns': ['_extracted_at']}]) }}

{{ latest(ref('stg_${model}'), '${key.map(sql).join(', ').replaceAll("'", "\\'")}') }}
`;
}

function analyticsTests(tables: readonly FoundTable[]): string {
  const blocks = tables.map(({ model, table }) => {
    const [only, ...more] = table.primaryKey;
    if (only === undefined) return `  - name: ${yaml(model)}\n`;
    const tests = (column: string): string =>
      `      - name: ${JSON.stringify(column)}\n${isPlain(column) ? '' : '        quote: true\n'}        data_tests: [${more.length === 0 ? 'unique, ' : ''}not_null]\n`;
    return `  - name: ${yaml(model)}\n    columns:\n${table.primaryKey.map(tests).join('')}`;
  });
  return `version: 2\n\nmodels:\n${blocks.join('\n')}`;
}

/** Words of SQL that cannot stand as a column's name without quotes (Postgres docs, appendix C: reserved), and YAML's words for true, false and null. */
const reserved = new Set(
  (
    'all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently constraint create cross ' +
    'current_catalog current_date current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch ' +
    'for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp ' +
    'natural not notnull null offset on only or order outer overlaps placing primary references returning right select session_user similar some symmetric system_user ' +
    'table tablesample then to trailing true union unique user using variadic verbose when where window with yes no off y n'
  ).split(' '),
);

const isPlain = (name: string): boolean => /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name);

/** A name in SQL, quoted only where it must be: for files that people read and edit. */
function sql(name: string): string {
  return isPlain(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A text in YAML; JSON's quotes are YAML's. */
function yaml(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_.]*$/.test(text) && !reserved.has(text.toLowerCase()) ? text : JSON.stringify(text);
}
