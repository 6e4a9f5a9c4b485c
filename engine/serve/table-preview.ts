import type { PreviewPage } from '../api-table.ts';
import type { Config, TableConfig } from '../config.ts';
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
  const hidden = hiddenBy(settings);
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
