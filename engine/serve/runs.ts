import type { FastifyInstance } from 'fastify';
import type { EventsPage, RunPage, RunsPage } from '../api.ts';
import { traceIdOf } from '../base/ulid.ts';
import type { Run, RunState } from '../run.ts';
import { Refusal } from './errors.ts';
import { knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { runLinks } from './run-links.ts';
import { runMemory } from './run-memory.ts';
import { answers, fields, limitParam, nameParam, ref, runParam, seqParam } from './schemas.ts';

interface RunsQuery {
  readonly pipeline?: string;
  readonly state?: readonly RunState[];
  readonly table?: string;
  readonly before?: string;
  readonly limit: number;
}

/** Runs, and the events of one. */
export function runRoutes(app: FastifyInstance, parts: ServerParts): void {
  const memory = runMemory(parts);
  app.get<{ Querystring: RunsQuery }>(
    '/runs',
    {
      schema: {
        summary: 'Runs, newest first',
        querystring: fields({
          pipeline: nameParam,
          state: { type: 'array', items: { enum: ['running', 'succeeded', 'failed', 'cancelled', 'interrupted'] }, maxItems: 5 },
          table: nameParam,
          before: { ...runParam, description: '`next` of the page before' },
          limit: limitParam(200, 50),
        }),
        response: answers(ref('RunsPage')),
      },
    },
    async ({ query: { pipeline, state, table, before, limit } }): Promise<RunsPage> => {
      const runs = await parts.history.runs({
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(state === undefined || state.length === 0 ? {} : { states: state }),
        ...(table === undefined ? {} : { table }),
        ...(before === undefined ? {} : { beforeRunId: before }),
        limit,
      });
      return { runs, next: runs.length < limit ? undefined : runs.at(-1)?.runId };
    },
  );

  const params = fields({ run: runParam }, ['run']);
  app.get<{ Params: { readonly run: string } }>(
    '/runs/:run',
    { schema: { summary: 'One run with its nodes', params, response: answers(ref('RunPage')) } },
    async ({ params: { run: runId } }): Promise<RunPage> => {
      const so = await memory.read(runId);
      if (so === undefined) throw new Refusal(404, 'run.unknown', `there is no run ${runId}`, 'Old runs are removed after a while.');
      const { daemon } = await parts.config();
      return {
        run: so.run,
        seq: so.seq,
        askedBy: await askedBy(parts, so.run),
        retriedBy: await retriedBy(parts, runId),
        traceId: parts.traced ? traceIdOf(runId) : undefined,
        links: runLinks(so.run, daemon, parts.clock.now()),
      };
    },
  );

  app.get<{ Params: { readonly run: string }; Querystring: { readonly after: number; readonly limit: number } }>(
    '/runs/:run/events',
    {
      schema: {
        summary: 'What happened in a run, in order',
        params,
        querystring: fields({ after: { ...seqParam, default: 0 }, limit: limitParam(5_000, 1_000) }),
        response: answers(ref('EventsPage')),
      },
    },
    async ({ params: { run: runId }, query: { after, limit } }): Promise<EventsPage> => {
      await knownRun(parts, runId);
      const events = await parts.history.events({ runId, afterSeq: after, limit });
      return { events, next: events.length < limit ? undefined : events.at(-1)?.seq };
    },
  );
}

/** Who put it into the queue, where that was not a schedule. */
async function askedBy({ queue }: ServerParts, { runId, trigger }: Run): Promise<string | undefined> {
  if (trigger === 'schedule' || trigger === 'cli') return undefined;
  return (await queue.concerning([], [runId])).find((entry) => entry.runId === runId)?.askedBy;
}

/** The newest run that goes on from this one. */
export async function retriedBy({ history }: ServerParts, runId: string): Promise<string | undefined> {
  return (await history.runs({ retryOf: runId, limit: 1 }))[0]?.runId;
}
