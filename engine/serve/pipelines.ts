import type { FastifyInstance } from 'fastify';
import type { PipelinePage } from '../api.ts';
import type { PipelineGraph, PipelineGrid, PipelineYaml } from '../api-pipeline.ts';
import type { Plan } from '../plan.ts';
import { Refusal } from './errors.ts';
import { knownPipeline } from './known.ts';
import type { PlanWish, ServerParts } from './parts.ts';
import { pipelineGraph } from './pipeline-graph.ts';
import { pipelineGrid } from './pipeline-grid.ts';
import { pipelineYaml } from './pipeline-yaml.ts';
import { answers, fields, limitParam, nameParam, ref, runParam } from './schemas.ts';
import { pipelineViews } from './views.ts';

const entriesShown = 50;
const gridRuns = 30;
const mostGridRuns = 100;
const plansAtOnce = 2;
/** Longer than a plan may take. */
const planMs = 90_000;

interface PipelineParams {
  readonly pipeline: string;
}

/** What is known of one pipeline, what became of its nodes, and what a run of it would do. */
export function pipelineRoutes(app: FastifyInstance, parts: ServerParts): void {
  const params = fields({ pipeline: nameParam }, ['pipeline']);
  app.get<{ Params: PipelineParams }>(
    '/pipelines/:pipeline',
    { schema: { summary: 'One pipeline, what waits, and what became of its times', params, response: answers(ref('PipelinePage')) } },
    async ({ params: { pipeline } }): Promise<PipelinePage> => {
      const config = await knownPipeline(parts, pipeline);
      const [views, entries] = await Promise.all([pipelineViews(parts, [config]), parts.queue.entries({ pipeline, limit: entriesShown })]);
      const [view] = views;
      if (view === undefined) throw new Error(`pipeline ${pipeline} has no view`);
      return {
        ...view,
        waiting: entries.filter(({ state }) => state === 'queued').reverse(),
        entries: entries.filter(({ state }) => state !== 'queued'),
      };
    },
  );

  app.get<{ Params: PipelineParams }>(
    '/pipelines/:pipeline/graph',
    { schema: { summary: 'Its nodes, with what became of them in the newest run', params, response: answers(ref('PipelineGraph')) } },
    async ({ params: { pipeline } }): Promise<PipelineGraph> => {
      const config = await knownPipeline(parts, pipeline);
      return pipelineGraph(parts, await parts.config(), config);
    },
  );

  app.get<{ Params: PipelineParams; Querystring: { readonly limit: number; readonly before?: string } }>(
    '/pipelines/:pipeline/grid',
    {
      schema: {
        summary: 'What became of each of its nodes in each of some runs, the newest first',
        params,
        querystring: fields({ limit: limitParam(mostGridRuns, gridRuns), before: runParam }),
        response: answers(ref('PipelineGrid')),
      },
    },
    async ({ params: { pipeline }, query }): Promise<PipelineGrid> => {
      const config = await knownPipeline(parts, pipeline);
      return pipelineGrid(parts, await parts.config(), config, query);
    },
  );

  app.get<{ Params: PipelineParams }>(
    '/pipelines/:pipeline/yaml',
    { schema: { summary: 'The lines of the configuration in force that declare it', params, response: answers(ref('PipelineYaml')) } },
    async ({ params: { pipeline } }): Promise<PipelineYaml> => {
      const config = await knownPipeline(parts, pipeline);
      return pipelineYaml(parts, await parts.config(), config);
    },
  );

  let planning = 0;
  app.get<{ Params: PipelineParams; Querystring: { readonly tables?: readonly string[]; readonly fullRefresh?: boolean } }>(
    '/pipelines/:pipeline/plan',
    {
      handlerTimeout: planMs,
      config: { works: true },
      schema: {
        summary: 'What a run would do now; changes nothing',
        params,
        querystring: fields({
          tables: { type: 'array', items: nameParam, maxItems: 200, description: 'Only these tables' },
          fullRefresh: { type: 'boolean', description: 'As if an incremental pipeline were run in full' },
        }),
        response: answers(ref('Plan')),
      },
    },
    async (request, reply): Promise<Plan> => {
      const config = await knownPipeline(parts, request.params.pipeline);
      const wish = wishOf(config.name, config.tables, request.query);
      if (planning >= plansAtOnce) throw new Refusal(429, 'plan.busy', `${planning} plans are being made`, 'Ask again in a few seconds.');
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      planning += 1;
      try {
        return await parts.plan(wish, gone.signal);
      } finally {
        planning -= 1;
      }
    },
  );
}

/** What is asked for, with the names of its tables looked at as far as the configuration has them. */
export function wishOf(
  pipeline: string,
  known: readonly string[],
  { tables, fullRefresh }: { readonly tables?: readonly string[]; readonly fullRefresh?: boolean },
): PlanWish {
  const stranger = known.some((name) => name.includes('*')) ? undefined : tables?.find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new Refusal(400, 'plan.unknown-table', `pipeline ${pipeline} has no table ${stranger}`, `It has: ${known.join(', ')}.`);
  return {
    pipeline,
    ...(tables === undefined || tables.length === 0 ? {} : { tables }),
    ...(fullRefresh === true ? { fullRefresh } : {}),
  };
}
