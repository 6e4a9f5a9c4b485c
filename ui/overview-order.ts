import type { PipelineBrief, TableBrief } from '../engine/api-overview.ts';
import type { Problem } from '../engine/problem.ts';

/** What the overview is narrowed to; it stands in the address. */
export interface OverviewFilter {
  /** Words that all have to be in a name, a table or a tag, whatever their case. */
  readonly search: string;
  readonly tag: string | undefined;
  /** A state of pipelines, as `standingOf` says it. */
  readonly state: string | undefined;
}

/** The state that a pipeline is known by: at work, paused, or how its newest run ended. */
export function standingOf({ live, paused, runs }: Pick<PipelineBrief, 'live' | 'paused' | 'runs'>): string {
  if (live !== undefined) return live.state;
  if (paused !== undefined) return 'paused';
  return runs[0]?.state ?? 'never';
}

/** How many there are of each, the one to look at first first. */
export function standings(pipelines: readonly PipelineBrief[]): readonly { readonly state: string; readonly count: number }[] {
  const counts = new Map<string, number>(
    ['failed', 'interrupted', 'running', 'cancelled', 'paused', 'succeeded', 'never'].map((s) => [s, 0]),
  );
  for (const view of pipelines) counts.set(standingOf(view), (counts.get(standingOf(view)) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 0).map(([state, count]) => ({ state, count }));
}

function has(text: readonly string[], search: string): boolean {
  const all = text.join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** Those that the filter leaves, those with problems first and the rest in the order of the file. */
export function shownPipelines(
  pipelines: readonly PipelineBrief[],
  problems: readonly Problem[],
  { search, tag, state }: OverviewFilter,
): readonly PipelineBrief[] {
  const worst = new Map<string, number>();
  problems.forEach(({ pipeline }, index) => {
    if (pipeline !== undefined && !worst.has(pipeline)) worst.set(pipeline, index);
  });
  const rank = ({ pipeline }: PipelineBrief): number => worst.get(pipeline) ?? problems.length;
  return pipelines
    .filter(
      (view) =>
        has([view.pipeline, ...view.tables, ...view.tags], search) &&
        (tag === undefined || view.tags.includes(tag)) &&
        (state === undefined || standingOf(view) === state),
    )
    .sort((a, b) => rank(a) - rank(b));
}

/** Tables of those pipelines that the search leaves: those that are further over their limit first, then those without. */
export function shownTables(
  tables: readonly TableBrief[],
  pipelines: readonly PipelineBrief[],
  { search, tag, state }: OverviewFilter,
  nowMs: number,
): readonly TableBrief[] {
  const of = new Set(pipelines.filter((view) => tag === undefined || view.tags.includes(tag)).map(({ pipeline }) => pipeline));
  const shown =
    state === undefined
      ? of
      : new Set(pipelines.filter((view) => of.has(view.pipeline) && standingOf(view) === state).map((view) => view.pipeline));
  const over = ({ asOf, limitMs }: TableBrief): number => {
    const share = asOf === undefined || limitMs === undefined ? 0 : (nowMs - Date.parse(asOf)) / limitMs;
    return share > 1 ? share : 0;
  };
  return tables
    .filter((table) => has([table.table, ...table.pipelines], search) && table.pipelines.some((name) => shown.has(name)))
    .sort((a, b) => over(b) - over(a));
}
