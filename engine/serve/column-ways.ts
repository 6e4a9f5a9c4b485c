import type { Field } from '../../lake/action.ts';
import { fieldKey, fieldRole, postgresName } from '../../lake/schema.ts';
import type { ColumnWay } from '../api-table.ts';
import type { TableConfig } from '../config.ts';
import type { CatalogTable } from '../connector.ts';
import { isTaken, maskOf, renamed } from './table-known.ts';

type Columns = CatalogTable['columns'];

/** What was found of a table at each place; undefined: it could not be looked up, so nothing can be missing there. */
export interface ColumnsFound {
  readonly source: Columns | undefined;
  readonly lake: readonly Field[] | undefined;
  readonly staging: Columns | undefined;
}

/** Columns that the engine adds, and what they are. */
const own: Readonly<Record<string, string>> = {
  _extracted_at: "the engine's: when the row was read, by the source's clock",
  _loaded_at: "the engine's: when the row was loaded, by the sink's clock",
  _deleted: "the engine's: the row is gone from the source",
};

/** The way of each column through the lake into staging: those of the source in its order, then what is further on only. Pure. */
export function columnWays(table: TableConfig, { source, lake, staging }: ColumnsFound): readonly ColumnWay[] {
  const fields = new Map((lake ?? []).filter((field) => fieldRole(field) === undefined).map((field) => [postgresName(field), field]));
  const inStaging = new Map((staging ?? []).map((column) => [column.name, column]));
  const seen = new Set<string>();
  const ways: ColumnWay[] = [];
  const lakeOf = (field: Field | undefined): ColumnWay['lake'] =>
    field === undefined ? undefined : { name: field.name, type: field.type };
  const stagingOf = (name: string): ColumnWay['staging'] => {
    const column = inStaging.get(name);
    return column === undefined ? undefined : { name, type: column.type };
  };
  for (const column of source ?? []) {
    const taken = isTaken(table, column.name);
    const name = renamed(table, column.name);
    const mask = taken ? maskOf(table, column.name) : undefined;
    if (taken) seen.add(name);
    const field = taken ? fields.get(name) : undefined;
    ways.push({
      source: { name: column.name, type: column.type, notNull: column.notNull },
      lake: lakeOf(field),
      staging: taken ? stagingOf(name) : undefined,
      mask,
      differences: taken ? differences({ name, column, masked: mask !== undefined, field, lake, staging, inStaging: stagingOf(name) }) : [],
      note: taken ? undefined : 'stays in the source: left out by columns in pipelines.yaml',
    });
  }
  for (const [name, field] of fields) {
    if (seen.has(name)) continue;
    seen.add(name);
    const masked = Object.keys(table.columns.mask).find((column) => renamed(table, column) === name);
    ways.push({
      source: undefined,
      lake: lakeOf(field),
      staging: stagingOf(name),
      mask: masked === undefined ? undefined : maskOf(table, masked),
      differences: [
        ...(source === undefined ? [] : ['not taken from the source any more']),
        ...differences({ name, column: undefined, masked: masked !== undefined, field, lake, staging, inStaging: stagingOf(name) }),
      ],
      note: undefined,
    });
  }
  for (const { name, type } of staging ?? []) {
    if (seen.has(name)) continue;
    const field = (lake ?? []).find((one) => fieldRole(one) !== undefined && one.name === name);
    const note = Object.hasOwn(own, name) ? own[name] : undefined;
    ways.push({
      source: undefined,
      lake: lakeOf(field),
      staging: { name, type },
      mask: undefined,
      differences: note === undefined && lake !== undefined ? ['in staging only'] : [],
      note,
    });
  }
  return ways;
}

function differences(given: {
  readonly name: string;
  readonly column: Columns[number] | undefined;
  readonly masked: boolean;
  readonly field: Field | undefined;
  readonly lake: readonly Field[] | undefined;
  readonly staging: Columns | undefined;
  readonly inStaging: ColumnWay['staging'];
}): readonly string[] {
  const { column, masked, field, lake, staging, inStaging } = given;
  const found: string[] = [];
  const taken = field?.metadata[fieldKey.type];
  if (field === undefined && lake !== undefined && lake.length > 0) found.push('not in the lake yet');
  if (column !== undefined && typeof taken === 'string' && !masked && taken !== column.type)
    found.push(`was ${taken} when it was extracted last`);
  if (staging !== undefined && staging.length > 0 && inStaging === undefined) found.push('not in staging yet');
  if (inStaging !== undefined && typeof taken === 'string' && inStaging.type !== taken) {
    const base = field?.metadata[fieldKey.base];
    found.push(inStaging.type === base ? `staging takes ${taken} as ${base}` : `staging has ${inStaging.type} for ${taken}`);
  }
  return found;
}
