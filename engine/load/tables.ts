import { lakeFolder } from '../base/lake-folder.ts';
import { parseSize } from '../base/size.ts';
import { parseUnits } from '../base/units.ts';
import type { Config, Relation, SinkConfig, SourceConfig, TableConfig } from '../config.ts';
import { readColumns } from './columns.ts';
import { refuseSchema } from './connections.ts';
import { readDuration } from './duration.ts';
import { below, type Findings } from './findings.ts';
import { chooseName, items, knownName, type Layer, layered, type Placed } from './layer.ts';
import { isSalted } from './masking.ts';
import type { RawConfig, RawTable, RawTableLake } from './raw.ts';
import { parseRelation } from './relation.ts';
import { checkTimezone } from './timezone.ts';

export interface Connected {
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly sinks: Readonly<Record<string, SinkConfig>>;
}

type Common = Omit<TableConfig, 'name' | 'relation' | 'into' | 'source' | 'sink'>;

/** The declared tables, with `defaults` behind each. */
export function readTables(raw: RawConfig, connected: Connected, findings: Findings): Readonly<Record<string, TableConfig>> {
  const names = Object.keys(raw.tables ?? {});
  const tables = names.map((name) => readTable(name, raw, connected, findings));
  refuseSameFolder(names, findings);
  refuseSameTarget(tables, connected, findings);
  return Object.fromEntries(tables.map((table) => [table.name, table]));
}

/** What tables that only a wildcard names are taken with. */
export function readTableDefaults(raw: RawConfig, connected: Connected, findings: Findings): Config['tableDefaults'] {
  const layer = layered<RawTable>(findings, { value: raw.defaults, pointer: '/defaults' }, { value: undefined, pointer: '/defaults' });
  const choose = (kind: 'source' | 'sink', names: readonly string[]): string | undefined => {
    const name = layer.get(kind);
    if (name !== undefined) return knownName(findings, kind, name, names, layer.pointer(kind));
    return names.length === 1 ? names[0] : undefined;
  };
  return {
    ...readCommon(layer, { value: raw.defaults, pointer: '/defaults' }, undefined, isSalted(raw, findings), findings),
    source: choose('source', Object.keys(connected.sources)),
    sink: choose('sink', Object.keys(connected.sinks)),
  };
}

function readTable(name: string, raw: RawConfig, connected: Connected, findings: Findings): TableConfig {
  const pointer = below('/tables', name);
  const layer = layered<RawTable>(findings, { value: raw.tables?.[name], pointer }, { value: raw.defaults, pointer: '/defaults' });
  const owner = { pointer, says: `table \`${name}\`` };
  const choose = (kind: 'source' | 'sink', names: readonly string[]): string | undefined =>
    chooseName(findings, kind, { name: layer.get(kind), pointer: layer.pointer(kind), spoiled: layer.spoiled(kind) }, names, owner);
  const odd = refuseOddTableName(name, findings);
  const sink = choose('sink', Object.keys(connected.sinks));
  const relation = odd && !layer.own('table') ? { schema: '', name: '' } : readRelation(name, layer, findings);
  const table: TableConfig = {
    name,
    ...readCommon(layer, { value: raw.tables?.[name], pointer }, raw.defaults, isSalted(raw, findings), findings),
    source: choose('source', Object.keys(connected.sources)) ?? '',
    sink: sink ?? '',
    relation,
    into: readInto(name, relation, layer, connected.sinks[sink ?? '']?.schema ?? '', findings),
  };
  refuseOwnSource(table, connected, layer, pointer, findings);
  return table;
}

function readCommon(
  layer: Layer<RawTable>,
  own: Placed<RawTable>,
  defaults: RawTable | undefined,
  salted: boolean,
  findings: Findings,
): Common {
  const key = layer.get('key');
  const keyColumns = key === undefined || key === null ? undefined : typeof key === 'string' ? [key] : items(key);
  const lake = layered<RawTableLake>(
    findings,
    { value: own.value?.lake, pointer: below(own.pointer, 'lake') },
    { value: defaults?.lake, pointer: '/defaults/lake' },
  );
  const timezone = layer.get('cursorTimezone');
  const cursor = layer.get('cursor') ?? undefined;
  if (typeof timezone === 'string') checkTimezone(timezone, layer.pointer('cursorTimezone'), findings);
  const size = lake.get('targetFileSize') ?? '128MB';
  const targetFileSizeBytes = parseSize(size) ?? 0;
  if (targetFileSizeBytes < 1e6 || targetFileSizeBytes > 4 * 2 ** 30)
    findings.on(lake.pointer('targetFileSize'), 'value', {
      code: 'config.value',
      message: `a file of the lake cannot have ${'`'}${size}${'`'}`,
      hint: 'Write a size from `1MB` to `4GB`; around `128MB` suits most readers.',
    });
  const lookback = layer.get('lookback');
  const units = typeof lookback === 'string' ? parseUnits(lookback) : undefined;
  return {
    key: keyColumns,
    cursor,
    cursorTimezone: timezone ?? undefined,
    lookbackMs:
      typeof lookback === 'string' && units === undefined ? readDuration(lookback, layer.pointer('lookback'), findings) : undefined,
    lookbackUnits: units,
    maxHoldMs: readDuration(layer.get('maxHold') ?? '1h', layer.pointer('maxHold'), findings),
    nullCursor: layer.get('nullCursor') ?? 'include',
    columns: readColumns(
      { value: own.value?.columns, pointer: below(own.pointer, 'columns') },
      defaults?.columns,
      { key: keyColumns, keyPointer: layer.pointer('key'), cursor, salted },
      findings,
    ),
    where: layer.get('where') ?? undefined,
    lake: { compression: lake.get('compression') ?? 'zstd', targetFileSizeBytes },
    load: layer.get('load') ?? 'merge',
  };
}

function refuseOddTableName(name: string, findings: Findings): boolean {
  const odd = name.trim() !== name || name === '' || /\p{Cc}/u.test(name) || name.includes('*') || lakeFolder(name).length > 200;
  if (!odd) return false;
  findings.on(below('/tables', name), 'key', {
    code: 'config.name',
    message: `${name === '' ? 'an empty text' : `\`${name}\``} cannot be the name of a table here`,
    hint: name.includes('*')
      ? 'Patterns go into the `tables` of a pipeline.'
      : 'A name has no spaces around it and no control characters, and is not empty or very long.',
  });
  return true;
}

/** The table in the source: as written, or else by its name here, which then must read as SQL. */
function readRelation(name: string, layer: Layer<RawTable>, findings: Findings): Relation {
  const written = layer.own('table') ? layer.get('table') : name;
  if (written === undefined) return { schema: '', name: '' };
  const parsed = parseRelation(written, 'public');
  if ('relation' in parsed) return parsed.relation;
  if (layer.own('table'))
    findings.on(layer.pointer('table'), 'value', { code: 'config.relation', message: parsed.problem, hint: parsed.hint });
  else
    findings.on(below('/tables', name), 'key', {
      code: 'config.relation',
      message: `\`${name}\` is no plain SQL name, so it does not say which table is meant`,
      hint: `Add \`table:\` with the table as in SQL, such as \`table: '"${name.replaceAll('"', '""')}"'\`.`,
    });
  return { schema: '', name: '' };
}

function readInto(name: string, relation: Relation, layer: Layer<RawTable>, schema: string, findings: Findings): Relation {
  const written = layer.own('into') ? layer.get('into') : undefined;
  if (written === undefined) {
    const target = layer.own('table') ? name : relation.name;
    if (Buffer.byteLength(target) > 63)
      findings.on(below('/tables', name), 'key', {
        code: 'config.relation',
        message: `\`${name}\` is longer than Postgres's names, which have at most 63 bytes`,
        hint: 'Add `into:` with a shorter name.',
      });
    return { schema, name: target };
  }
  const parsed = parseRelation(written, schema);
  if (!('relation' in parsed)) {
    findings.on(layer.pointer('into'), 'value', { code: 'config.relation', message: parsed.problem, hint: parsed.hint });
    return { schema: '', name: '' };
  }
  if (parsed.relation.schema !== schema) refuseSchema(parsed.relation.schema, layer.pointer('into'), true, findings);
  return parsed.relation;
}

/** On Windows and macOS `Users` and `users` are one folder, and S3 readers fold case too. */
function refuseSameFolder(names: readonly string[], findings: Findings): void {
  const first = new Map<string, string>();
  for (const name of names) {
    const folder = lakeFolder(name).toLowerCase();
    const twin = first.get(folder);
    if (twin === undefined) first.set(folder, name);
    else
      findings.on(below('/tables', name), 'key', {
        code: 'config.same-folder',
        message: `the tables \`${twin}\` and \`${name}\` would share one folder of the lake`,
        hint: 'Their names differ only by case: give one of them another name, and say which table it is with `table:`.',
      });
  }
}

function refuseSameTarget(tables: readonly TableConfig[], connected: Connected, findings: Findings): void {
  const first = new Map<string, string>();
  for (const table of tables) {
    const sink = connected.sinks[table.sink];
    if (sink === undefined || table.into.name === '') continue;
    const place = JSON.stringify([sink.url === 'embedded' ? sink.name : sink.url, table.into.schema, table.into.name]);
    const twin = first.get(place);
    if (twin === undefined) first.set(place, table.name);
    else
      findings.on(below('/tables', table.name), 'key', {
        code: 'config.same-target',
        message: `the tables \`${twin}\` and \`${table.name}\` would both be loaded into ${table.into.schema}.${table.into.name}`,
        hint: 'Give one of them another `into:`.',
      });
  }
}

/** A load replaces its target: it must not be the table that was extracted. */
function refuseOwnSource(table: TableConfig, connected: Connected, layer: Layer<RawTable>, pointer: string, findings: Findings): void {
  const from = connected.sources[table.source]?.url;
  const same = from !== undefined && from !== 'embedded' && from === connected.sinks[table.sink]?.url;
  if (!same || table.relation.name === '' || table.relation.schema !== table.into.schema || table.relation.name !== table.into.name) return;
  findings.on(layer.own('into') ? layer.pointer('into') : pointer, 'key', {
    code: 'config.same-target',
    message: `table \`${table.name}\` would be loaded over the very table that it is extracted from`,
    hint: 'Source and sink are one database: load into another schema.',
  });
}
