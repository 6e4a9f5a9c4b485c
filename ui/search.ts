import type { Overview } from '../engine/api-overview.ts';
import type { FoundRun } from '../engine/api-search.ts';
import { nav } from './nav.ts';
import { pipelinePath, runPath, tablePath } from './routes.ts';
import { lookOf } from './states.ts';

/** Kinds of what can be found, in the order that their groups are shown in where all match alike. */
export const foundKinds = ['page', 'pipeline', 'table', 'problem', 'run', 'node', 'action'] as const;
export type FoundKind = (typeof foundKinds)[number];

/** Something that the search leads to. */
export interface Found {
  readonly kind: FoundKind;
  readonly name: string;
  /** What is said beside the name; looked into as well. */
  readonly more: string;
  readonly to: string;
}

export interface FoundGroup {
  readonly kind: FoundKind;
  readonly found: readonly Found[];
}

/** Everything that the overview knows by a name, and what can be done with it. An action leads to where it says what it will do. */
export function findable({ pipelines, tables, problems, queue }: Overview): readonly Found[] {
  return [
    ...nav.map(({ name, to, key }): Found => ({ kind: 'page', name, more: `g ${key}`, to })),
    ...pipelines.map(
      ({ pipeline, mode, tags, schedules }): Found => ({
        kind: 'pipeline',
        name: pipeline,
        more: [mode, schedules[0]?.words ?? 'by hand', ...tags.map((tag) => `#${tag}`)].join(', '),
        to: pipelinePath(pipeline),
      }),
    ),
    ...tables.map(({ table, pipelines: of }): Found => ({ kind: 'table', name: table, more: of.join(', '), to: tablePath(table) })),
    ...problems.map(
      ({ kind, pipeline, table, runId, text }): Found => ({
        kind: 'problem',
        name: `${pipeline ?? table ?? 'daemon'} ${kind}`,
        more: text,
        to:
          runId !== undefined
            ? runPath(runId)
            : pipeline !== undefined
              ? `${pipelinePath(pipeline)}#why`
              : table !== undefined
                ? tablePath(table)
                : '/',
      }),
    ),
    ...pipelines.flatMap(({ pipeline, live }): readonly Found[] =>
      live === undefined
        ? []
        : [{ kind: 'run', name: live.runId, more: `${pipeline}, ${lookOf(live.state).word}`, to: runPath(live.runId) }],
    ),
    ...tables.flatMap(({ loaded }): readonly Found[] =>
      loaded === undefined ? [] : [{ kind: 'node', name: loaded.node, more: 'its newest load', to: runPath(loaded.runId, loaded.node) }],
    ),
    ...pipelines.flatMap(({ pipeline, paused, live }): readonly Found[] => [
      { kind: 'action', name: `run ${pipeline} now`, more: 'shows the plan first', to: `${pipelinePath(pipeline)}?act=run+now` },
      paused === undefined
        ? { kind: 'action', name: `pause ${pipeline}`, more: '', to: `${pipelinePath(pipeline)}?act=pause` }
        : { kind: 'action', name: `resume ${pipeline}`, more: `paused by ${paused.by}`, to: `${pipelinePath(pipeline)}?act=resume` },
      ...(live === undefined
        ? []
        : [{ kind: 'action', name: `cancel ${pipeline}`, more: `run ${live.runId}`, to: `${runPath(live.runId)}?act=cancel` } as const]),
    ]),
    ...queue.map(
      ({ id, pipeline, reason }): Found => ({
        kind: 'problem',
        name: `${pipeline} queued`,
        more: reason ?? `entry ${id}`,
        to: `${pipelinePath(pipeline)}#why`,
      }),
    ),
  ];
}

/** Runs that the daemon found. */
export function foundRuns(runs: readonly FoundRun[]): readonly Found[] {
  return runs.map(({ runId, pipeline, state, cause }) => ({
    kind: 'run',
    name: runId,
    more: `${pipeline}, ${lookOf(state).word}${cause === undefined ? '' : `: ${cause}`}`,
    to: runPath(runId),
  }));
}

/** How far the daemon's search for words is: too `short` to be asked for, on its way, or what came of it. */
export type RunSearch =
  | { readonly state: 'short' | 'looking' }
  | { readonly state: 'known'; readonly runs: readonly Found[] }
  | { readonly state: 'failed'; readonly why: string };

/** What is said below the hits: only what is known, and what was not found only once it was looked for. `overview`: why what has a name is not known; undefined when it is. */
export function searchNote(typed: string, count: number, overview: string | undefined, search: RunSearch): string | undefined {
  const words = typed.trim();
  const nothing = overview ?? (count > 0 || words === '' ? undefined : `Nothing is called ${words}`);
  switch (search.state) {
    case 'short':
      return nothing === undefined ? undefined : `${nothing}.${words === '' ? '' : ' What runs said is looked for from three letters on.'}`;
    case 'looking':
      return `${nothing === undefined ? '' : `${nothing}. `}Looking for runs that said it ...`;
    case 'failed':
      return `${nothing === undefined ? '' : `${nothing}. `}Runs could not be looked for: ${search.why}. Another letter asks again.`;
    case 'known':
      if (overview !== undefined) return `${overview}.${search.runs.length === 0 ? ' No recent run said it.' : ''}`;
      return nothing === undefined ? undefined : `${nothing}, and no recent run said it.`;
  }
}

const mostOfKind = 6;

/**
 * What matches every word, in groups: the group with the best match first, in it the best first, and of equals the shorter one. A whole name is better than its beginning, that
 * better than the beginning of a word in it, that better than a part, and that better than a part of what is said beside it. Nothing typed: the pages.
 */
export function ranked(all: readonly Found[], typed: string): readonly FoundGroup[] {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const scored = all
    .map((found) => ({ found, score: words.length === 0 ? Number(found.kind === 'page') : scoreOf(found, words) }))
    .filter(({ score }) => score > 0);
  const groups = foundKinds.flatMap((kind) => {
    const of = scored.filter(({ found }) => found.kind === kind);
    of.sort((a, b) => b.score - a.score || (words.length === 0 ? 0 : a.found.name.length - b.found.name.length));
    const [best] = of;
    return best === undefined ? [] : [{ kind, best: best.score, found: of.slice(0, mostOfKind).map(({ found }) => found) }];
  });
  return groups.sort((a, b) => b.best - a.best).map(({ kind, found }) => ({ kind, found }));
}

/** 0 when a word is nowhere. */
function scoreOf({ name, more }: Found, words: readonly string[]): number {
  const [text, beside] = [name.toLowerCase(), more.toLowerCase()];
  const whole = words.join(' ');
  if (text === whole) return 1_000;
  let score = text.startsWith(whole) ? 100 : 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at === 0) score += 8;
    else if (at > 0) score += /[a-z0-9]/.test(text[at - 1] ?? '') ? 4 : 6;
    else if (beside.includes(word)) score += 1;
    else return 0;
  }
  return score;
}
