import { setTimeout as wait } from 'node:timers/promises';
import type { Bed } from './bed.ts';
import { say, seconds } from './figures.ts';
import { changeRows } from './table.ts';

/** Times of whole processes, `engine run` from its start to its end, in ms. */
export interface IncrementalFigures {
  readonly changed: number[];
  readonly none: number[];
}

/** Rows are read again as long as they lie within it below the last fence; the default of `lookback`. */
const lookbackMs = 10_000;

/** How long does a run take that has a few rows among many to bring, and one that has none? After a full run. */
export async function measureIncremental(bed: Bed, rows: number, changed: number, pairs: number): Promise<IncrementalFigures> {
  const seen: IncrementalFigures = { changed: [], none: [] };
  await bed.engine('incremental');
  for (let pair = 1; pair <= pairs; pair += 1) {
    await bed.settle();
    const none = await bed.engine('incremental');
    if (none.rows('extract bench_rows') !== 0) throw new Error('a run without a change read rows');
    await changeRows(bed.source, rows, changed);
    const changedAt = Date.now();
    await bed.settle();
    const some = await bed.engine('incremental');
    if (some.rows('extract bench_rows') !== changed) throw new Error(`${some.rows('extract bench_rows')} rows were read, not ${changed}`);
    seen.none.push(none.ms);
    seen.changed.push(some.ms);
    say(`pair ${pair}: ${changed.toLocaleString('en')} changed rows ${seconds(some.ms)}, none ${seconds(none.ms)}`);
    // A fence from beyond the lookback, so that the next run has nothing to read again.
    await wait(Math.max(0, changedAt + lookbackMs + 1000 - Date.now()));
    await bed.engine('incremental');
  }
  const { rows: differing } = await bed.warehouse.query('SELECT count(*)::int AS n FROM staging.bench_rows WHERE updated_at > $1', [
    new Date(Date.now() - 86_400_000),
  ]);
  if (differing[0]?.n !== changed) throw new Error(`staging has ${differing[0]?.n} changed rows, not ${changed}`);
  return seen;
}
