import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { LogLine, LogPage } from '../api.ts';
import type { Event, LogLevel } from '../event.ts';
import { logLevel, logText } from '../reporters/log-line.ts';
import { Refusal } from './errors.ts';
import { knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, limitParam, nameParam, ref, runParam, seqParam } from './schemas.ts';

interface LogQuery {
  readonly node?: string;
  readonly attempt?: number;
  readonly level?: LogLevel;
  readonly search?: string;
  readonly after: number;
}

const eventsAtOnce = 1_000;
const downloadMs = 3_600_000;
/** One request looks at so many events; `next` goes on from there. */
const mostLookedAt = 20_000;
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** All but progress, which no line is made of. */
const told: readonly Event['type'][] = [
  'run.started',
  'node.started',
  'node.retrying',
  'node.succeeded',
  'node.failed',
  'node.skipped',
  'node.cancelled',
  'node.kept',
  'log',
  'dbt.result',
  'run.succeeded',
  'run.failed',
  'run.cancelled',
  'run.interrupted',
];

/** The log of a run: in pages for a screen, whole as a text. */
export function logRoutes(app: FastifyInstance, parts: ServerParts): void {
  const params = fields({ run: runParam }, ['run']);
  const query = {
    node: { ...nameParam, description: 'Only of this node' },
    attempt: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      description: 'Only of this attempt of the node, from its beginning up to that of the next one',
    },
    level: { enum: levels, description: 'This level and those above' },
    search: { type: 'string', maxLength: 200, pattern: '^[^\\u0000]*$', description: 'Only what holds this, whatever its case' },
    after: { ...seqParam, default: 0, description: '`next` of the page before' },
  };
  app.get<{ Params: { readonly run: string }; Querystring: LogQuery & { readonly limit: number } }>(
    '/runs/:run/log',
    {
      schema: {
        summary: 'The log of a run in pages; one with few lines and a `next` was searched without finding more yet',
        params,
        querystring: fields({ ...query, limit: limitParam(2_000, 500) }),
        response: answers(ref('LogPage')),
      },
    },
    async ({ params: { run: runId }, query: { limit, ...wanted } }): Promise<LogPage> => {
      await knownRun(parts, runId);
      const isOf = await attemptOf(parts, runId, wanted);
      const lines: LogLine[] = [];
      let seq = wanted.after;
      for (let looked = 0; looked < mostLookedAt; looked += eventsAtOnce) {
        const events = await parts.history.events({ runId, afterSeq: seq, types: told, limit: eventsAtOnce });
        for (const event of events) {
          const line = isOf(event) ? lineOf(event, wanted) : undefined;
          seq = event.seq;
          if (line !== undefined) lines.push(line);
          if (lines.length === limit) return { lines, next: seq };
        }
        if (events.length < eventsAtOnce) return { lines, next: undefined };
      }
      return { lines, next: seq };
    },
  );

  app.get<{ Params: { readonly run: string }; Querystring: LogQuery }>(
    '/runs/:run/log.txt',
    {
      handlerTimeout: downloadMs,
      exposeHeadRoute: false,
      schema: {
        summary: 'The log of a run as a text',
        params,
        querystring: fields(query),
        response: {
          200: { description: 'One line for each', content: { 'text/plain': { schema: { type: 'string' } } } },
          '4xx': ref('ApiError'),
          '5xx': ref('ApiError'),
        },
      },
    },
    async ({ params: { run: runId }, query: wanted }, reply) => {
      await knownRun(parts, runId);
      const isOf = await attemptOf(parts, runId, wanted);
      return reply
        .type('text/plain; charset=utf-8')
        .header('content-disposition', `attachment; filename="run-${runId}.txt"`)
        .send(Readable.from(textOf(parts, runId, wanted, isOf)));
    },
  );
}

async function* textOf({ history }: ServerParts, runId: string, wanted: LogQuery, isOf: (event: Event) => boolean): AsyncGenerator<string> {
  for (let seq = wanted.after; ; ) {
    const events = await history.events({ runId, afterSeq: seq, types: told, limit: eventsAtOnce });
    let text = '';
    for (const event of events) {
      const line = isOf(event) ? lineOf(event, wanted) : undefined;
      seq = event.seq;
      if (line === undefined) continue;
      const node = line.node === undefined || event.type !== 'log' ? '' : `${line.node}: `;
      text += `${line.at}  ${line.level.padEnd(5)}  ${node}${line.text.replaceAll('\n', '\n    ')}\n`;
    }
    if (text !== '') yield text;
    if (events.length < eventsAtOnce) return;
  }
}

/** Whether an event is of the attempt that is asked for; all are where none is. Events are to be given in their order. */
async function attemptOf({ history }: ServerParts, runId: string, { node, attempt }: LogQuery): Promise<(event: Event) => boolean> {
  if (attempt === undefined) return () => true;
  if (node === undefined) throw new Refusal(400, 'log.attempt', 'an attempt is one of a node, and none is given', 'Add `node`.');
  let from: number | undefined;
  let to = Number.POSITIVE_INFINITY;
  for (let seq = 0; to === Number.POSITIVE_INFINITY; ) {
    const events = await history.events({ runId, afterSeq: seq, types: ['node.started'], limit: eventsAtOnce });
    for (const event of events) {
      seq = event.seq;
      if (event.type !== 'node.started' || event.node !== node) continue;
      if (from !== undefined) to = Math.min(to, seq);
      else if (event.attempt === attempt) from = seq;
    }
    if (events.length < eventsAtOnce) break;
  }
  const begins = from;
  if (begins === undefined) return () => false;
  return (event) => {
    // The next one may have begun since.
    if (event.type === 'node.started' && event.node === node && event.seq > begins) to = Math.min(to, event.seq);
    return event.seq >= begins && event.seq < to;
  };
}

/** undefined: no line is made of it, or it is not asked for. */
function lineOf(event: Event, { node, level, search }: LogQuery): LogLine | undefined {
  const of = 'node' in event ? event.node : undefined;
  if (node !== undefined && of !== node) return undefined;
  const own = logLevel(event);
  if (levels.indexOf(own) < levels.indexOf(level ?? 'debug')) return undefined;
  const text = logText(event);
  if (text === undefined) return undefined;
  if (search !== undefined && !text.toLowerCase().includes(search.toLowerCase())) return undefined;
  return { seq: event.seq, at: event.at, level: own, node: of, text };
}
