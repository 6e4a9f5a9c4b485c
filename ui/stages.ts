import type { TableBrief } from '../engine/api-overview.ts';
import { spanText } from './figures.ts';

/** How far one place that a table's rows pass through is behind the source; undefined: nothing of it is there. */
export interface Stage {
  readonly name: 'lake' | 'staging' | 'analytics';
  readonly lagMs: number | undefined;
}

/** The places after the source, in the order that rows pass them. */
export function stagesOf(
  { lakeAsOf, asOf, analyticsAsOf }: Pick<TableBrief, 'lakeAsOf' | 'asOf' | 'analyticsAsOf'>,
  nowMs: number,
): readonly Stage[] {
  const lag = (at: string | undefined): number | undefined => (at === undefined ? undefined : coarse(nowMs - Date.parse(at)));
  return [
    { name: 'lake', lagMs: lag(lakeAsOf) },
    { name: 'staging', lagMs: lag(asOf) },
    { name: 'analytics', lagMs: lag(analyticsAsOf) },
  ];
}

/** Whole seconds below a minute, whole minutes beyond: a line is not drawn anew for less. */
function coarse(ms: number): number {
  const step = ms < 60_000 ? 1_000 : 60_000;
  return Math.max(0, Math.floor(ms / step) * step);
}

const scales = [60_000, 900_000, 3_600_000, 6 * 3_600_000, 86_400_000, 7 * 86_400_000, 30 * 86_400_000];

/** What the whole width of a bar stands for: twice the limit, or without one the next round span that all lags fit in. */
export function scaleOf(stages: readonly Stage[], limitMs: number | undefined): number {
  if (limitMs !== undefined && limitMs > 0) return 2 * limitMs;
  const most = Math.max(0, ...stages.map(({ lagMs }) => lagMs ?? 0));
  return scales.find((scale) => most <= scale) ?? most;
}

/** The same for those who do not see the bars: `lake 2 m behind, staging 17 m behind, nothing in analytics; limit 15 m`. */
export function stageWords(stages: readonly Stage[], limitMs: number | undefined): string {
  const words = stages.map(({ name, lagMs }) => (lagMs === undefined ? `nothing in ${name}` : `${name} ${spanText(lagMs)} behind`));
  return `${words.join(', ')}${limitMs === undefined ? '; no limit' : `; limit ${spanText(limitMs)}`}`;
}
