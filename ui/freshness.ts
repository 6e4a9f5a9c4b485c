import type { TableBrief } from '../engine/api-overview.ts';

/** A table's lag on a scale whose middle is its limit. */
export interface FreshnessBar {
  /** Part of the scale that is filled, 0 to 1. */
  readonly filled: number;
  /** True when the lag goes beyond the scale. */
  readonly beyond: boolean;
}

/** The bar of a table with a limit and a lag; undefined without either. The limit is at one half. */
export function freshnessBar(lagMs: number | undefined, limitMs: number | undefined): FreshnessBar | undefined {
  if (lagMs === undefined || limitMs === undefined || limitMs <= 0) return undefined;
  const share = lagMs / (2 * limitMs);
  return { filled: Math.min(1, Math.max(0, share)), beyond: share > 1 };
}

/** `within`: no older than it may be; `over`: older; `unjudged`: nobody said how old it may be; `never`: nothing was loaded. */
export function freshnessOf(
  { asOf, limitMs }: Pick<TableBrief, 'asOf' | 'limitMs'>,
  lagMs: number | undefined,
): 'within' | 'over' | 'unjudged' | 'never' {
  if (asOf === undefined || lagMs === undefined) return 'never';
  if (limitMs === undefined) return 'unjudged';
  return lagMs > limitMs ? 'over' : 'within';
}
