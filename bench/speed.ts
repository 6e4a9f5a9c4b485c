import type { Bed } from './bed.ts';
import { median, megabytes, say, sayTable, seconds } from './figures.ts';
import { measureFull } from './full.ts';
import { measureIncremental } from './incremental.ts';
import { measureOthers, type OtherFigures } from './others.ts';
import { makeTable } from './table.ts';

/** What to measure: rows of the table, rows that change, pairs, and whether other ways are measured beside. */
export interface SpeedOptions {
  readonly rows: number;
  readonly changed: number;
  readonly pairs: number;
  readonly others: boolean;
}

function loadOf(other: OtherFigures): string {
  return other.load.map(({ how, ms }) => `${seconds(ms)}${how === '' ? '' : ` (${how})`}`).join(', ');
}

/** How fast is the data path? Prints one table: psql as the limit, the engine, the ratio of their medians, the goal, and the other ways. */
export async function speed(bed: Bed, { rows, changed, pairs, others }: SpeedOptions): Promise<void> {
  await bed.forget();
  say(`making ${rows.toLocaleString('en')} rows ...`);
  await makeTable(bed.source, rows);
  const full = await measureFull(bed, rows, pairs);
  const incremental = await measureIncremental(bed, rows, changed, pairs);
  const beside = others ? await measureOthers(bed, rows, changed) : [];

  const pair = (what: string, limit: readonly number[], engine: readonly number[], goal: string, of: (o: OtherFigures) => string) => [
    what,
    seconds(median(limit)),
    seconds(median(engine)),
    (median(engine) / median(limit)).toFixed(2),
    goal,
    ...beside.map(of),
  ];
  const whole = (what: string, engine: string, goal: string, of: (o: OtherFigures) => string) => [
    what,
    '',
    engine,
    '',
    goal,
    ...beside.map(of),
  ];
  say(
    `\n${rows.toLocaleString('en')} rows, ${pairs === 1 ? 'one pair' : `median of ${pairs} pairs`}${others ? '; the other ways ran once each' : ''}`,
  );
  sayTable([
    ['', 'limit (psql)', 'engine', 'ratio', 'goal', ...beside.map((o) => o.name)],
    pair('extract to Parquet, beside \\copy to /dev/null csv', full.copyTo, full.extract, 'at most 1.35', (o) => seconds(o.extract)),
    pair('full load to its commit, beside \\copy from csv', full.copyFrom, full.load, 'at most 1.0', loadOf),
    whole(`incremental run, ${changed.toLocaleString('en')} changed rows`, seconds(median(incremental.changed)), 'under 3 s', (o) =>
      seconds(o.changed),
    ),
    whole('incremental run, no change', seconds(median(incremental.none)), 'under 1 s', (o) => seconds(o.none)),
    whole('peak memory of all processes', megabytes(Math.max(...full.memory)), 'under 400 MB', (o) => megabytes(o.peak)),
  ]);
}
