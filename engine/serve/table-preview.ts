import type { PreviewPage } from '../api-table.ts';
import type { Config, Relation, TableConfig } from '../config.ts';
import { EngineError } from '../error.ts';
import { Refusal } from './errors.ts';
import { linkOf } from './looking.ts';
import type { ServerParts } from './parts.ts';
import { isTaken, renamed } from './table-known.ts';

const rowsShown = 20;
const patienceMs = 8_000;
/** What the engine adds to each row. */
const ownColumns = ['_extracted_at', '_deleted', '_loaded_at'] as const;
const numeric = /^(smallint|integer|bigint|real|double precision|money|oid|numeric(\(.*\))?)$/;

/** Some of the newest rows of a table in staging. What is masked or left out by now is not read at all, whatever staging still holds of it. */
export async function previewPage(parts: ServerParts, config: Config, settings: TableConfig): Promise<PreviewPage> {
  const { into, sink, cursor } = settings;
  const relation = `${into.schema}.${into.name}`;
  const { preview } = await linkOf(parts, config, 'sink', sink);
  if (preview === undefined) throw new Refusal(409, 'preview.none', `${sink} cannot show rows`);
  const hidden = hiddenNow(config, settings);
  const newestBy = cursor === undefined ? undefined : renamed(settings, cursor);
  try {
    const { columns, rows, order } = await preview({
      relation: into,
      isHidden: (column) => hidden(column) !== undefined,
      newestBy,
      rows: rowsShown,
      signal: AbortSignal.timeout(patienceMs),
    });
    return {
      at: new Date(parts.clock.now()).toISOString(),
      relation,
      order,
      newestBy: order === 'newest' ? newestBy : undefined,
      columns: columns.map(({ name, type }) => ({ name, type, numeric: numeric.test(type), hidden: hidden(name) })),
      rows,
    };
  } catch (error) {
    if (error instanceof EngineError && error.code === 'postgres.no-relation')
      throw new Refusal(409, 'preview.empty', `there is no ${relation} in ${sink} yet`, 'The first load makes it.');
    throw error;
  }
}

/**
 * Why the values of a column of that table's staging are not shown. A table that only a pattern named is known until its pipeline runs again, though somebody has declared what it reads, or what it is loaded into, by another name
 * since: what is hidden there is hidden here, by the names that either gives the columns.
 */
export function hiddenNow(config: Pick<Config, 'tables'>, settings: TableConfig): (column: string) => 'masked' | 'excluded' | undefined {
  const { rename } = settings.columns;
  const declared = Object.hasOwn(config.tables, settings.name)
    ? []
    : Object.values(config.tables).filter(
        ({ source, relation, sink, into }) =>
          (source === settings.source && isSame(relation, settings.relation)) || (sink === settings.sink && isSame(into, settings.into)),
      );
  const all = [
    settings,
    ...declared.flatMap(({ columns }) => [{ columns: { ...columns, rename } }, { columns: { ...columns, include: undefined } }]),
  ].map(hiddenBy);
  return (column) => all.map((hidden) => hidden(column)).find((why) => why !== undefined);
}

const isSame = (one: Relation, other: Relation): boolean => one.schema === other.schema && one.name === other.name;

/**
 * Why the values of a column of staging are not shown. A name that a mask or `exclude` has is hidden as it is too: it may have come to staging before it was renamed. Where columns are named (`include`), what
 * staging has beside them and the engine's own is from before they were.
 */
export function hiddenBy(settings: Pick<TableConfig, 'columns'>): (column: string) => 'masked' | 'excluded' | undefined {
  const { include, exclude, mask } = settings.columns;
  const both = (names: readonly string[]): ReadonlySet<string> => new Set(names.flatMap((name) => [name, renamed(settings, name)]));
  const masked = both(Object.keys(mask).filter((name) => isTaken(settings, name)));
  const excluded = both(exclude);
  const included = include === undefined ? undefined : new Set([...include.map((name) => renamed(settings, name)), ...ownColumns]);
  return (column) => (masked.has(column) ? 'masked' : excluded.has(column) || included?.has(column) === false ? 'excluded' : undefined);
}
