import type { TableBrief } from '../engine/api-overview.ts';
import { type Look, lookOf } from './states.ts';

/** How old a table is, against how old it may be. */
export type Freshness = 'within' | 'over' | 'unjudged' | 'never';

/** `within`: no older than it may be; `over`: older; `unjudged`: nobody said how old it may be; `never`: nothing was loaded. */
export function freshnessOf({ asOf, limitMs }: Pick<TableBrief, 'asOf' | 'limitMs'>, lagMs: number | undefined): Freshness {
  if (asOf === undefined || lagMs === undefined) return 'never';
  if (limitMs === undefined) return 'unjudged';
  return lagMs > limitMs ? 'over' : 'within';
}

const looks: Readonly<Record<Freshness, Look>> = {
  within: { ...lookOf('succeeded'), word: 'within its limit' },
  over: { ...lookOf('failed'), word: 'over its limit' },
  unjudged: { ...lookOf('queued'), word: 'no limit' },
  never: { ...lookOf('queued'), word: 'never loaded' },
};

/** Its shape, tone and word. */
export function freshnessLook(freshness: Freshness): Look {
  return looks[freshness];
}
