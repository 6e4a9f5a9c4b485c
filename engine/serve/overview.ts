import type { FastifyInstance } from 'fastify';
import type { PipelineView, TableView } from '../api.ts';
import type { Overview, PipelineBrief, TableBrief } from '../api-overview.ts';
import { briefRun } from '../run.ts';
import { lastKnown } from './last-known.ts';
import type { ServerParts } from './parts.ts';
import { answers, ref } from './schemas.ts';
import { declaredTables, leadershipView, pipelineHistories, pipelineViews, tableViews } from './views.ts';

/** Several pages that ask at the same moment get one answer. */
const freshMs = 250;
/** Then the last known is shown. */
const patienceMs = 5_000;

/** `GET /overview`: the last known while the store is down. */
export function overviewRoutes(app: FastifyInstance, parts: ServerParts): void {
  const overview = lastKnown(parts.clock, { freshMs, patienceMs }, () => makeOverview(parts));
  app.addHook('onResponse', async (request, reply) => {
    if (request.method !== 'GET' && reply.statusCode < 300) overview.forget();
  });
  app.get(
    '/overview',
    { schema: { summary: 'All that is worth knowing at a glance', response: answers(ref('Overview')) } },
    async (): Promise<Overview> => {
      const { value, down } = await overview.get();
      return { ...value, storeDown: down };
    },
  );
}

async function makeOverview(parts: ServerParts): Promise<Omit<Overview, 'storeDown'>> {
  const config = await parts.config();
  const declared = await declaredTables(parts, config);
  // The two large questions, asked once for all that needs them.
  const histories = pipelineHistories(parts, Object.keys(config.pipelines));
  const tableHistories = parts.history.tables([...declared.keys()]);
  const [daemon, problems, pipelines, tables, queue] = await Promise.all([
    leadershipView(parts),
    Promise.all([histories, tableHistories]).then(([found, foundTables]) =>
      parts.problems(config, { pipelines: found, tables: foundTables }),
    ),
    pipelineViews(parts, Object.values(config.pipelines), histories),
    tableViews(parts, config, declared, tableHistories),
    parts.queue.waiting(),
  ]);
  return {
    at: new Date(parts.clock.now()).toISOString(),
    engine: parts.engine,
    daemon,
    problems,
    pipelines: pipelines.map(briefPipeline),
    tables: tables.map(briefTable),
    queue,
  };
}

function briefPipeline({ pipeline, mode, tables, tags, schedules, next, paused, live, history }: PipelineView): PipelineBrief {
  return {
    pipeline,
    mode,
    tables,
    tags,
    schedules: schedules.map(({ cron, timezone, words }) => ({ cron, timezone, words })),
    next,
    paused,
    live: live === undefined ? undefined : briefRun(live),
    runs: history.runs.map(briefRun),
    rowsLoaded: history.rowsLoaded,
    medianMs: history.medianMs,
  };
}

/** What one line shows of a table. */
export function briefTable({ table, pipelines, lakeAsOf, asOf, analyticsAsOf, limitMs, heldBy, load }: TableView): TableBrief {
  const version = load?.facts.lakeVersion;
  return {
    table,
    pipelines,
    lakeAsOf,
    asOf,
    analyticsAsOf,
    limitMs,
    heldBy,
    loaded:
      load === undefined
        ? undefined
        : {
            runId: load.runId,
            node: load.node,
            at: load.endedAt,
            rows: load.rows,
            lakeVersion: typeof version === 'number' ? version : undefined,
          },
  };
}
