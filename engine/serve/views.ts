import type { Leadership, PipelineView, ScheduleView, TableView } from '../api.ts';
import type { Config, PipelineConfig, ScheduleConfig } from '../config.ts';
import type { PipelineHistory } from '../history.ts';
import { leadership } from '../schedule/leadership.ts';
import { daysOfChange, nextFires } from '../schedule/next.ts';
import { cronWords } from '../schedule/words.ts';
import type { ServerParts } from './parts.ts';
import { plannedNodes } from './run-nodes.ts';

const runsShown = 30;
const firesShown = 10;
const dayMs = 86_400_000;

/** Who leads, and who answers. */
export async function leadershipView({ store, self }: ServerParts): Promise<Leadership> {
  const lease = (await store.leases()).find(({ name }) => name === leadership);
  const { runId, host, pid, since } = self;
  return {
    leader: lease === undefined ? undefined : { host: lease.host, pid: lease.pid, since: lease.since },
    self: { host, pid, since, leads: lease?.runId === runId },
  };
}

/** The last runs of these pipelines, and what they loaded within a day. */
export function pipelineHistories(
  { history, clock }: ServerParts,
  names: readonly string[],
): Promise<ReadonlyMap<string, PipelineHistory>> {
  return history.pipelines(names, { runs: runsShown, sinceMs: clock.now() - dayMs });
}

/** These pipelines of the configuration, in its order; `read` is what `pipelineHistories` found of them. */
export async function pipelineViews(
  parts: ServerParts,
  pipelines: readonly PipelineConfig[],
  read = pipelineHistories(
    parts,
    pipelines.map(({ name }) => name),
  ),
): Promise<readonly PipelineView[]> {
  const [histories, pauses, live] = await Promise.all([read, parts.queue.pauses(), parts.store.runs({ states: ['running'] })]);
  return Promise.all(
    pipelines.map(async (pipeline) => {
      const { name } = pipeline;
      const schedules = await Promise.all(pipeline.schedules.map((schedule) => scheduleView(schedule, parts.clock.now())));
      const paused = pauses.get(name) ?? (pipeline.paused ? { by: 'pipelines.yaml' } : undefined);
      const first = schedules.flatMap(({ fires }) => fires[0]?.at ?? []).sort()[0];
      const { runs = [], rowsLoaded = 0, medianMs } = histories.get(name) ?? {};
      return {
        pipeline: name,
        mode: pipeline.mode,
        tables: pipeline.tables,
        tags: pipeline.tags,
        schedules,
        next: paused === undefined ? first : undefined,
        paused,
        live: live.find((run) => run.pipeline === name),
        history: { runs, rowsLoaded, medianMs },
      };
    }),
  );
}

const views = new WeakMap<ScheduleConfig, ScheduleView>();

/** The next times are found anew once the first of them has passed. */
async function scheduleView(schedule: ScheduleConfig, nowMs: number): Promise<ScheduleView> {
  const known = views.get(schedule);
  const first = known?.fires[0];
  if (known !== undefined && first !== undefined && Date.parse(first.at) > nowMs && nowMs >= (lookedAt.get(known) ?? 0)) return known;
  const { cron, timezone } = schedule;
  const fires = await nextFires(schedule, nowMs, firesShown);
  const changes = daysOfChange(fires, timezone);
  const view: ScheduleView = {
    cron,
    timezone,
    words: cronWords(cron),
    fires: fires.map((at) => ({ at: new Date(at).toISOString(), clocksSet: changes.includes(at.slice(0, 10)) })),
  };
  views.set(schedule, view);
  lookedAt.set(view, nowMs);
  return view;
}

/** When a view was made: a clock that is set back shows earlier times again. */
const lookedAt = new WeakMap<ScheduleView, number>();

/** These tables; `declared` has the names of the pipelines of each, `read` what `history.tables` found of them. */
export async function tableViews(
  parts: ServerParts,
  config: Config,
  declared: ReadonlyMap<string, readonly string[]>,
  read = parts.history.tables([...declared.keys()]),
): Promise<readonly TableView[]> {
  const histories = await read;
  const now = parts.clock.now();
  return [...declared].map(([table, pipelines]) => {
    const { extract, load, lakeAsOf, asOf, analyticsAsOf, built } = histories.get(table) ?? {};
    const heldBy = extract?.facts.heldBy;
    const limits = pipelines.flatMap((name) => config.pipelines[name]?.alerts.freshnessMs ?? []);
    return {
      table,
      pipelines,
      extract,
      load,
      lakeAsOf,
      asOf,
      analyticsAsOf,
      built,
      lagMs: asOf === undefined ? undefined : Math.max(0, now - Date.parse(asOf)),
      limitMs: limits.length === 0 ? undefined : Math.min(...limits),
      heldBy: typeof heldBy === 'string' ? heldBy : undefined,
    };
  });
}

/** Tables with the pipelines that have them: those that the configuration names, and those that the newest run of a pipeline with a pattern had. */
export async function declaredTables(parts: ServerParts, config: Config): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const add = (table: string, pipeline: string): void => {
    const of = found.get(table) ?? [];
    if (!of.includes(pipeline)) of.push(pipeline);
    found.set(table, of);
  };
  for (const { name, tables } of Object.values(config.pipelines)) {
    for (const table of tables) if (!table.includes('*')) add(table, name);
    if (!tables.some((table) => table.includes('*'))) continue;
    const [newest] = await parts.history.runs({ pipeline: name, limit: 1 });
    if (newest !== undefined)
      for (const { table } of await plannedNodes(parts.history, newest.runId)) if (table !== undefined) add(table, name);
  }
  return found;
}
