import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ActionQuery, ActionRecord } from '../access.ts';
import { type Action, type ActionsPage, type AskedRun, actionNames, type Queued } from '../api.ts';
import { redact } from '../base/secret.ts';
import { errorData } from '../error.ts';
import type { EntryRecord, QueueEntry } from '../queue.ts';
import { callerAddress } from './caller.ts';
import { Refusal } from './errors.ts';
import { knownPipeline, knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { wishOf } from './pipelines.ts';
import { retriedBy } from './runs.ts';
import { answers, fields, idParam, limitParam, nameParam, ref, runParam } from './schemas.ts';

/** More runs of one pipeline than this do not wait at once. */
const mostWaiting = 100;

const pipelineParams = fields({ pipeline: nameParam }, ['pipeline']);
const runParams = fields({ run: runParam }, ['run']);
/** For answers that say no more than that it was done. */
const done = answers({ type: 'object', properties: { outcome: { type: 'string' } }, required: ['outcome'] });

/** What somebody may do. Each try is kept with who, when, what, from where and its outcome. */
export function actionRoutes(app: FastifyInstance, parts: ServerParts): void {
  const { queue, store } = parts;

  app.post<{
    Params: { readonly pipeline: string };
    Body: { readonly tables?: readonly string[]; readonly fullRefresh?: boolean } | undefined;
  }>(
    '/pipelines/:pipeline/runs',
    {
      schema: {
        summary: 'Asks for a run; it waits in the queue until the leader starts it',
        params: pipelineParams,
        body: {
          ...fields({ tables: { type: 'array', items: nameParam, maxItems: 200 }, fullRefresh: { type: 'boolean' } }),
          type: ['object', 'null'],
        },
        response: answers(ref('Queued'), 202),
      },
    },
    async (request, reply): Promise<Queued> =>
      acted(parts, request, 'trigger', request.params.pipeline, async (who) => {
        const { name, tables } = await knownPipeline(parts, request.params.pipeline);
        const { pipeline: _, ...wish } = wishOf(name, tables, request.body ?? {});
        await roomFor(name);
        const entry = await queue.add({ pipeline: name, kind: 'trigger', request: wish, askedBy: who });
        reply.code(202);
        return [{ entry }, queuedAs(entry.id)];
      }),
  );

  app.post<{ Params: { readonly run: string } }>(
    '/runs/:run/retry',
    {
      schema: {
        summary: 'Asks for a run that goes on from one that did not succeed',
        params: runParams,
        response: answers(ref('Queued'), 202),
      },
    },
    async (request, reply): Promise<Queued> =>
      acted(parts, request, 'retry', request.params.run, async (who) => {
        const record = await knownRun(parts, request.params.run);
        const { runId, state } = record;
        if (state === 'running') throw new Refusal(409, 'run.live', `run ${runId} is still at work`, 'Wait for its end, or cancel it.');
        if (state === 'succeeded') throw new Refusal(409, 'run.succeeded', `run ${runId} succeeded: there is nothing to do again`);
        const pipeline = await knownPipeline(parts, record.pipeline);
        const later = await retriedBy(parts, runId);
        if (later !== undefined)
          throw new Refusal(409, 'run.retried', `run ${later} goes on from run ${runId} already`, `Look at run ${later}.`);
        const entry = await retryEntry(pipeline.name, runId, who);
        reply.code(202);
        return [{ entry }, queuedAs(entry.id)];
      }),
  );

  app.post<{ Params: { readonly run: string } }>(
    '/runs/:run/cancel',
    { schema: { summary: 'Asks a live run to stop', params: runParams, response: done } },
    async (request, reply) =>
      acted(parts, request, 'cancel', request.params.run, async (who) => {
        const { runId, state } = await knownRun(parts, request.params.run);
        if (!(await store.requestCancel(runId, who))) throw new Refusal(409, 'run.not-live', `run ${runId} is not at work: ${state}`);
        reply.code(202);
        return [{ outcome: 'asked to stop' }, 'asked to stop'];
      }),
  );

  app.delete<{ Params: { readonly id: number } }>(
    '/queue/:id',
    { schema: { summary: 'Takes off the queue what has not begun', params: fields({ id: idParam }, ['id']), response: done } },
    async (request) =>
      acted(parts, request, 'dequeue', String(request.params.id), async (who) => {
        const { id } = request.params;
        const entry = await queue.entry(id);
        if (entry === undefined) throw new Refusal(404, 'queue.unknown', `nothing is queued under ${id}`);
        if (!(await queue.end(id, 'cancelled', `taken off the queue by ${who}`)))
          throw new Refusal(409, 'queue.taken', `what was queued under ${id} does not wait any more`, 'Look at its run.');
        return [{ outcome: 'taken off the queue' }, `${entry.pipeline}: taken off the queue`];
      }),
  );

  app.post<{ Params: { readonly pipeline: string } }>(
    '/pipelines/:pipeline/pause',
    { schema: { summary: 'No schedule of it fires until it is resumed', params: pipelineParams, response: done } },
    async (request) =>
      acted(parts, request, 'pause', request.params.pipeline, async (who) => {
        await queue.pause((await knownPipeline(parts, request.params.pipeline)).name, who);
        return [{ outcome: 'paused' }, 'paused'];
      }),
  );

  app.post<{ Params: { readonly pipeline: string } }>(
    '/pipelines/:pipeline/resume',
    { schema: { summary: 'Its schedules fire again', params: pipelineParams, response: done } },
    async (request) =>
      acted(parts, request, 'resume', request.params.pipeline, async () => {
        const { name, paused } = await knownPipeline(parts, request.params.pipeline);
        await queue.unpause(name);
        if (paused) throw new Refusal(409, 'pipeline.paused', `${name} is paused in pipelines.yaml`, 'Take `paused: true` out there.');
        return [{ outcome: 'resumed' }, 'resumed'];
      }),
  );

  app.get<{ Querystring: ActionQuery }>(
    '/actions',
    {
      schema: {
        summary: 'Who did what, newest first',
        querystring: fields({
          before: idParam,
          limit: limitParam(500, 100),
          who: { ...nameParam, description: 'The name of a token, or local' },
          action: { enum: actionNames },
          pipeline: { ...nameParam, description: 'It, its runs, and what waited of it' },
          refused: { type: 'boolean', description: 'Only tries that were refused' },
        }),
        response: answers(ref('ActionsPage')),
      },
    },
    async ({ query }): Promise<ActionsPage> => {
      const actions = await withRuns(parts, await parts.access.actions(query));
      return { actions, next: actions.length < query.limit ? undefined : actions.at(-1)?.id };
    },
  );

  /** A second click finds the first one's entry; one that ended without a run is asked for anew. */
  async function retryEntry(pipeline: string, runId: string, who: string): Promise<QueueEntry> {
    const waiting = (await queue.waiting()).find((entry) => entry.retryOf === runId);
    if (waiting !== undefined) return waiting;
    await roomFor(pipeline);
    const entry = await queue.add({ pipeline, kind: 'resume', retryOf: runId, request: {}, askedBy: who });
    return entry.state === 'queued' ? entry : queue.add({ pipeline, kind: 'trigger', retryOf: runId, request: {}, askedBy: who });
  }

  async function roomFor(pipeline: string): Promise<void> {
    const waiting = (await queue.waiting()).filter((entry) => entry.pipeline === pipeline).length;
    if (waiting >= mostWaiting)
      throw new Refusal(409, 'queue.full', `${waiting} runs of ${pipeline} wait already`, 'Take some off the queue.');
  }
}

/** The outcome of a run that was asked for, and where it waits; the same words both ways. */
const queuedAs = (id: number): string => `queued as ${id}`;
const queuedId = (outcome: string): number | undefined => {
  const digits = /^queued as (\d{1,15})$/.exec(outcome)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** What became of those that asked for a run. */
async function withRuns({ queue }: ServerParts, actions: readonly ActionRecord[]): Promise<readonly Action[]> {
  const ids = [...new Set(actions.flatMap(({ outcome }) => queuedId(outcome) ?? []))];
  const asked = new Map((await queue.records(ids)).map((record) => [record.entry.id, askedRun(record)]));
  return actions.map((action) => ({ ...action, asked: asked.get(queuedId(action.outcome) ?? -1) }));
}

function askedRun({ entry: { id, state, runId, reason }, run }: EntryRecord): AskedRun {
  return { queued: id, state: run?.state ?? state, runId, reason };
}

/** Does it, and keeps what became of it. An action whose record cannot be kept is done all the same, and the daemon told. */
export async function acted<T>(
  parts: ServerParts,
  request: FastifyRequest,
  action: Action['action'],
  subject: string,
  work: (who: string) => Promise<readonly [answer: T, outcome: string]>,
): Promise<T> {
  const who = request.caller ?? 'unknown';
  const keep = async (outcome: string): Promise<void> => {
    try {
      await recordAction(parts, request, { who, action, subject, outcome });
    } catch (error) {
      parts.tell('warn', `${who} did ${action} ${subject} (${outcome}), which could not be recorded: ${errorData(error).message}`);
    }
  };
  try {
    const [answer, outcome] = await work(who);
    await keep(outcome);
    return answer;
  } catch (error) {
    await keep(`refused: ${errorData(error).message}`);
    throw error;
  }
}

/** Keeps one action. */
export async function recordAction(
  { access, clock }: ServerParts,
  request: FastifyRequest,
  { who, action, subject, outcome }: Pick<Action, 'who' | 'action' | 'subject' | 'outcome'>,
): Promise<void> {
  const at = new Date(clock.now()).toISOString();
  await access.record({
    at,
    who,
    from: callerAddress(request),
    action,
    subject: redact(subject).slice(0, 400),
    outcome: redact(outcome).slice(0, 400),
  });
}
