import type { PreviewPage } from '../api-table.ts';
import type { Config, TableConfig } from '../config.ts';
import { EngineError } from '../error.ts';
import { Refusal } from './errors.ts';
import { linkOf } from './looking.ts';
import type { ServerParts } from './parts.ts';
import { isTaken, renamed } from './table-known.ts';

const rowsShown = 20;
const patienceMs = 8_000;
const numeric = /^(smallint|integer|bigint|real|double precision|money|oid|numeric(\(.*\))?)$/;

/** Some of the newest rows of a table in staging. What is masked or left out by now is not read at all, whatever staging still holds of it. */
export async function previewPage(parts: ServerParts, config: Config, settings: TableConfig): Promise<PreviewPage> {
  const { into, sink, cursor } = settings;
  const relation = `${into.schema}.${into.name}`;
  const { preview } = await linkOf(parts, config, 'sink', sink);
  if (preview === undefined) throw new Refusal(409, 'preview.none', `${sink} cannot show rows`);
  const hidden = hiddenColumns(settings);
  const newestBy = cursor === undefined ? undefined : renamed(settings, cursor);
  try {
    const { columns, rows, order } = await preview({
      relation: into,
      hidden: [...hidden.keys()],
      newestBy,
      rows: rowsShown,
      signal: AbortSignal.timeout(patienceMs),
    });
    return {
      at: new Date(parts.clock.now()).toISOString(),
      relation,
      order,
      newestBy: order === 'newest' ? newestBy : undefined,
      columns: columns.map(({ name, type }) => ({ name, type, numeric: numeric.test(type), hidden: hidden.get(name) })),
      rows,
    };
  } catch (error) {
    if (error instanceof EngineError && error.code === 'postgres.no-relation')
      throw new Refusal(409, 'preview.empty', `there is no ${relation} in ${sink} yet`, 'The first load makes it.');
    throw error;
  }
}

/** Columns of staging whose values are not shown, and why. A name that a mask or `exclude` has is hidden as it is too: it may have come to staging before it was renamed. */
function hiddenColumns(settings: TableConfig): ReadonlyMap<string, 'masked' | 'excluded'> {
  const hidden = new Map<string, 'masked' | 'excluded'>();
  for (const name of settings.columns.exclude) for (const each of [name, renamed(settings, name)]) hidden.set(each, 'excluded');
  for (const name of Object.keys(settings.columns.mask))
    if (isTaken(settings, name)) for (const each of [name, renamed(settings, name)]) hidden.set(each, 'masked');
  return hidden;
}
