import type { FastifyInstance } from 'fastify';
import type { RunDbt, RunPlan } from '../api-run.ts';
import type { DbtResult } from '../event.ts';
import { Refusal } from './errors.ts';
import { knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, nameParam, ref, runParam } from './schemas.ts';

/** Of one node, whose events are few: an attempt has one for each model and test. */
const eventsAtOnce = 1_000;

/** What is too heavy to come with a run, and is asked for apart: its plan, and dbt's statements. */
export function runApartRoutes(app: FastifyInstance, parts: ServerParts): void {
  const params = fields({ run: runParam }, ['run']);
  app.get<{ Params: { readonly run: string } }>(
    '/runs/:run/plan',
    { schema: { summary: 'What a run set out to do, with its statements', params, response: answers(ref('RunPlan')) } },
    async ({ params: { run: runId } }): Promise<RunPlan> => {
      await knownRun(parts, runId);
      const [planned] = await parts.history.events({ runId, types: ['run.planned'], limit: 1 });
      if (planned?.type !== 'run.planned')
        throw new Refusal(
          404,
          'run.no-plan',
          `no plan was kept of run ${runId}`,
          'The engine that ran it did not keep plans; newer ones do.',
        );
      return { plan: planned.plan, leftOut: planned.leftOut };
    },
  );

  app.get<{ Params: { readonly run: string }; Querystring: { readonly node?: string; readonly id?: string } }>(
    '/runs/:run/dbt',
    {
      schema: {
        summary: 'What dbt built and tested in a run, with the SQL that it was compiled to',
        params,
        querystring: fields({
          node: { ...nameParam, description: 'Only of this node' },
          id: { ...nameParam, description: 'Only this model or test, by its unique id' },
        }),
        response: answers(ref('RunDbt')),
      },
    },
    async ({ params: { run: runId }, query: { node, id } }): Promise<RunDbt> => {
      await knownRun(parts, runId);
      let results: { readonly node: string; readonly result: DbtResult }[] = [];
      for (let seq = 0; ; ) {
        const events = await parts.history.events({ runId, afterSeq: seq, types: ['node.started', 'dbt.result'], limit: eventsAtOnce });
        for (const event of events) {
          seq = event.seq;
          // A new attempt begins again.
          if (event.type === 'node.started') results = results.filter((known) => known.node !== event.node);
          if (event.type !== 'dbt.result' || (node !== undefined && event.node !== node)) continue;
          if (id === undefined || event.result.uniqueId === id) results.push({ node: event.node, result: event.result });
        }
        if (events.length < eventsAtOnce) return { results };
      }
    },
  );
}
