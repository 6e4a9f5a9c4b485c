import type { TableBrief } from '../engine/api-overview.ts';

/** `within`: no older than it may be; `over`: older; `unjudged`: nobody said how old it may be; `never`: nothing was loaded. */
export function freshnessOf(
  { asOf, limitMs }: Pick<TableBrief, 'asOf' | 'limitMs'>,
  lagMs: number | undefined,
): 'within' | 'over' | 'unjudged' | 'never' {
  if (asOf === undefined || lagMs === undefined) return 'never';
  if (limitMs === undefined) return 'unjudged';
  return lagMs > limitMs ? 'over' : 'within';
}
