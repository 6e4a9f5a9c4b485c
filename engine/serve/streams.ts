import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Changed } from '../api.ts';
import { runEnds } from '../run.ts';
import { Refusal } from './errors.ts';
import { knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { createPoller } from './poller.ts';
import { createRunFeeds } from './run-feed.ts';
import { fields, ref, runParam } from './schemas.ts';
import type { Doorkeeper } from './session.ts';
import { createListeners, type Listener, lastEventId } from './sse.ts';

const askEveryMs = 1_000;
const lookAgainMs = 15_000;
const mostListeners = 200;
const stream = {
  200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
  '4xx': ref('ApiError'),
  '5xx': ref('ApiError'),
};

/** What goes on, as server-sent events: `changed` whenever the overview would be another one, and the events of a run. */
export function streamRoutes(app: FastifyInstance, parts: ServerParts, doorkeeper: Doorkeeper): void {
  const listeners = createListeners(mostListeners);
  const open = (request: FastifyRequest, reply: FastifyReply): Listener => {
    const listener = listeners.open(request, reply);
    void watchCaller(parts, doorkeeper, request, listener);
    return listener;
  };
  const overview = new Set<Listener>();
  let stamp: string | undefined;
  const tell = (listener: Listener, now: string): void => {
    const changed: Changed = { stamp: now };
    if (!listener.send({ id: now, name: 'changed', data: JSON.stringify(changed) })) listener.drop();
  };
  const poller = createPoller(parts.clock, askEveryMs, async () => {
    const now = await parts.history.stamp();
    if (now === stamp) return true;
    stamp = now;
    for (const listener of overview) tell(listener, now);
    return true;
  });
  app.addHook('onResponse', async (request, reply) => {
    if (request.method !== 'GET' && reply.statusCode < 300) poller.hurry();
  });
  app.addHook('preClose', async () => listeners.closeAll());

  app.get(
    '/stream',
    { exposeHeadRoute: false, schema: { summary: 'An event `changed` whenever something begins, ends or waits', response: stream } },
    async (request, reply) => {
      const now = await parts.history.stamp();
      const listener = open(request, reply);
      // It went while the store was asked: it will not say so again, and nobody would stop asking for it.
      if (listener.gone.aborted) return reply;
      if (lastEventId(request) !== now) tell(listener, now);
      // Others have been told of an older one until the next turn.
      stamp ??= now;
      overview.add(listener);
      const leave = poller.join();
      listener.gone.addEventListener('abort', () => {
        overview.delete(listener);
        leave();
      });
      return reply;
    },
  );

  const feeds = createRunFeeds(parts);
  app.get<{ Params: { readonly run: string }; Querystring: { readonly after: number } }>(
    '/runs/:run/stream',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'The events of a run up to its end; the id of each is its `seq`, and the header Last-Event-ID goes on after it',
        params: fields({ run: runParam }, ['run']),
        querystring: fields({ after: { type: 'integer', minimum: 0, maximum: 999_999_999_999_999, default: 0 } }),
        response: { ...stream, 204: { description: 'The run has ended, and its end was before that', type: 'null' } },
      },
    },
    async (request, reply) => {
      const { run: runId } = request.params;
      const given = lastEventId(request);
      if (given !== undefined && !/^\d{1,15}$/.test(given))
        throw new Refusal(400, 'stream.last-event-id', 'Last-Event-ID is the `seq` of an event');
      const after = given === undefined ? request.query.after : Number(given);
      const record = await knownRun(parts, runId);
      // A browser connects again by itself for ever, unless it gets this. What is told after the end of a run ends no stream.
      if (record.state !== 'running' && (await parts.history.events({ runId, afterSeq: after, types: runEnds, limit: 1 })).length === 0)
        return reply.code(204).send();
      const listener = open(request, reply);
      feeds.follow(runId, after, listener).catch(() => listener.drop());
      return reply;
    },
  );
}

/** Ends a stream whose listener may not have it any more: its token was revoked, its session is over. While the store is away that cannot be known. Never throws. */
async function watchCaller(
  { clock }: Pick<ServerParts, 'clock'>,
  doorkeeper: Doorkeeper,
  request: FastifyRequest,
  listener: Listener,
): Promise<void> {
  if (request.caller === 'local') return;
  const isLeft = (): boolean => listener.gone.aborted;
  while (!isLeft()) {
    await clock.sleep(lookAgainMs, listener.gone).catch(() => undefined);
    if (isLeft()) return;
    const who = await doorkeeper.caller(request).catch((error: unknown) => (error instanceof Refusal ? undefined : request.caller));
    if (who !== request.caller) listener.end();
  }
}
