import type { ModelNow } from '../api-table.ts';
import type { Looked } from '../connector.ts';
import type { DbtResult } from '../event.ts';
import type { NodeRecord } from '../history.ts';
import { runEnds } from '../run.ts';
import type { ServerParts } from './parts.ts';

/** What one run's dbt said, and when its build began. */
interface Build {
  readonly runId: string;
  readonly at: string;
  readonly results: readonly DbtResult[];
}

/** So many of a table's newest runs are looked into for a build. */
const runsLookedInto = 12;
const mostResults = 5_000;

const ofRuns = new WeakMap<ServerParts['history'], Map<string, Build | undefined>>();

/** The newest build of each pipeline among the newest runs of a table that are over: one at work has not built all it will. `nodes` are the table's. */
export async function newestBuilds(
  { history }: ServerParts,
  nodes: readonly NodeRecord[],
  built: string | undefined,
): Promise<readonly Build[]> {
  const known = ofRuns.get(history) ?? new Map<string, Build | undefined>();
  ofRuns.set(history, known);
  const runs = new Map(nodes.map(({ runId, pipeline }) => [runId, pipeline]));
  if (built !== undefined && !runs.has(built)) runs.set(built, '');
  if (known.size > 500) known.clear();
  const looked = new Set<string>();
  // The newest has a build as a rule; where it has none, those before it are asked for together and not one after the other.
  for (let together = 1; ; together *= 4) {
    const found = new Map<string, Build>();
    const unknown: string[] = [];
    for (const [runId, pipeline] of runs) {
      if (found.has(pipeline)) continue;
      const build = known.get(runId);
      if (build !== undefined) found.set(pipeline, build);
      else if (!known.has(runId) && !looked.has(runId)) unknown.push(runId);
    }
    const next = unknown.slice(0, Math.min(together, runsLookedInto - looked.size));
    if (next.length === 0) return [...found.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
    for (const [runId, { over, build }] of await Promise.all(next.map(async (each) => [each, await buildOf(history, each)] as const))) {
      looked.add(runId);
      if (over) known.set(runId, build);
    }
  }
}

async function buildOf(
  history: ServerParts['history'],
  runId: string,
): Promise<{ readonly over: boolean; readonly build: Build | undefined }> {
  const events = await history.events({ runId, types: ['dbt.result', ...runEnds], limit: mostResults });
  const over = events.length === mostResults || events.some(({ type }) => type !== 'dbt.result');
  // What an earlier attempt said of a model is replaced by what a later one says.
  const results = new Map<string, DbtResult>();
  for (const event of events)
    if (event.type === 'dbt.result') {
      const { compiledSql: _, ...result } = event.result;
      results.set(result.uniqueId, result);
    }
  const first = events[0];
  const build = first?.type === 'dbt.result' ? { runId, at: first.at, results: [...results.values()] } : undefined;
  return { over, build };
}

/** What these builds made of a relation of staging, models in the order in which they read one another, each as the newest build left it. Pure. */
export function modelsOf(builds: readonly Build[], staging: string): readonly ModelNow[] {
  const found = new Map<string, { readonly result: DbtResult; readonly build: Build }>();
  for (const build of builds)
    for (const result of build.results)
      if (result.kind !== 'test' && result.kind !== 'unit_test' && !found.has(result.uniqueId))
        found.set(result.uniqueId, { result, build });
  const made = new Map<string, ModelNow>();
  const reading = new Set([staging]);
  for (let before = -1; before < made.size; ) {
    before = made.size;
    for (const [id, { result, build }] of found) {
      if (made.has(id) || !(result.reads ?? []).some((relation) => reading.has(relation))) continue;
      if (result.relation !== undefined) reading.add(result.relation);
      made.set(id, modelOf(result, build, staging));
    }
  }
  return [...made.values()];
}

function modelOf(result: DbtResult, { runId, at, results }: Build, staging: string): ModelNow {
  const tests = results.filter(
    ({ kind, dependsOn }) => (kind === 'test' || kind === 'unit_test') && dependsOn?.includes(result.uniqueId) === true,
  );
  const failed = tests.filter(({ status }) => status === 'fail' || status === 'error');
  return {
    uniqueId: result.uniqueId,
    name: result.name,
    kind: result.kind,
    relation: result.relation,
    stands: undefined,
    rows: undefined,
    bytes: undefined,
    status: result.status,
    runId,
    builtAt: at,
    direct: result.reads?.includes(staging) === true,
    tests: {
      passed: tests.filter(({ status }) => status === 'pass').length,
      warned: tests.filter(({ status }) => status === 'warn').length,
      failed: failed.map(({ name }) => name),
    },
  };
}

/** The models with what the sink's catalog has of their relations. Pure. */
export function withRelations(models: readonly ModelNow[], looked: readonly Looked[]): readonly ModelNow[] {
  const by = new Map(looked.map((one) => [`${one.relation.schema}.${one.relation.name}`, one]));
  return models.map((model) => {
    const one = model.relation === undefined ? undefined : by.get(model.relation);
    return one === undefined ? model : { ...model, stands: one.kind, rows: one.rows, bytes: one.bytes };
  });
}
