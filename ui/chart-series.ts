import type { LoadPoint } from '../engine/api-table.ts';
import { countText, spanText } from './figures.ts';

/** Loads as columns of a chart: one value per load at the same place, null where it is not known. */
export interface ChartSeries {
  /** Seconds since the epoch, rising. */
  readonly at: readonly number[];
  /** Bars that stand in front of one another: all rows, those that were new or changed, those that were new. */
  readonly all: readonly (number | null)[];
  readonly changed: readonly (number | null)[];
  readonly inserted: readonly (number | null)[];
  /** The most rows of a load that did not replace all, or where all did, of any: how high the bars are drawn. */
  readonly most: number;
  readonly total: readonly (number | null)[];
  /** In seconds. */
  readonly lag: readonly (number | null)[];
}

/** The columns of these loads, which come oldest first. */
export function chartSeries(loads: readonly LoadPoint[]): ChartSeries {
  const known = (value: number | undefined): number | null => value ?? null;
  return {
    at: loads.map(({ at }) => Date.parse(at) / 1000),
    all: loads.map(({ rows }) => known(rows)),
    // What a load that replaced all brought is neither new nor changed.
    changed: loads.map(({ inserted, updated, replaced }) =>
      replaced || inserted === undefined || updated === undefined ? null : inserted + updated,
    ),
    inserted: loads.map(({ inserted, replaced }) => (replaced ? null : known(inserted))),
    most: mostRows(loads),
    total: loads.map(({ total }) => known(total)),
    lag: loads.map(({ lagMs }) => (lagMs === undefined ? null : lagMs / 1000)),
  };
}

function mostRows(loads: readonly LoadPoint[]): number {
  const merged = loads.filter(({ replaced }) => !replaced);
  return Math.max(0, ...(merged.length === 0 ? loads : merged).map(({ rows }) => rows ?? 0));
}

/** One load in words: `41,208 rows: 10,000 new, 30,980 changed, 228 the same; 3,040,000 in staging then; 2 m old then`. */
export function loadWords({ rows, inserted, updated, unchanged, replaced, total, lagMs }: LoadPoint): string {
  const counts = [
    inserted === undefined || replaced ? undefined : `${countText(inserted)} new`,
    updated === undefined || (replaced && updated === 0) ? undefined : `${countText(updated)} changed`,
    unchanged === undefined || (replaced && unchanged === 0) ? undefined : `${countText(unchanged)} the same`,
  ].filter((word) => word !== undefined);
  const all = rows === undefined ? 'rows not counted' : countText(rows, 'row');
  const how = [replaced ? 'replacing all' : undefined, ...counts].filter((word) => word !== undefined).join(', ');
  return [
    how === '' ? all : `${all}: ${how}`,
    total === undefined ? undefined : `${countText(total)} in staging then`,
    lagMs === undefined ? undefined : `${spanText(lagMs)} old then`,
  ]
    .filter((word) => word !== undefined)
    .join('; ');
}

/** Where an arrow key leads from a load, of so many; undefined: nowhere. */
export function loadAfterKey(key: string, now: number, count: number): number | undefined {
  const last = count - 1;
  const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last, PageUp: now - 10, PageDown: now + 10 }[key];
  return to === undefined ? undefined : Math.max(0, Math.min(last, to));
}
