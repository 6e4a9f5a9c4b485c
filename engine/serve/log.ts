import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { LogLine, LogPage } from '../api.ts';
import type { Event, LogLevel } from '../event.ts';
import { logLevel, logText } from '../reporters/log-line.ts';
import { knownRun } from './known.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, limitParam, nameParam, ref, runParam, seqParam } from './schemas.ts';

interface LogQuery {
  readonly node?: string;
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
      const lines: LogLine[] = [];
      let seq = wanted.after;
      for (let looked = 0; looked < mostLookedAt; looked += eventsAtOnce) {
        const events = await parts.history.events({ runId, afterSeq: seq, types: told, limit: eventsAtOnce });
        for (const event of events) {
          const line = lineOf(event, wanted);
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
      return reply
        .type('text/plain; charset=utf-8')
        .header('content-disposition', `attachment; filename="run-${runId}.txt"`)
        .send(Readable.from(textOf(parts, runId, wanted)));
    },
  );
}

async function* textOf({ history }: ServerParts, runId: string, wanted: LogQuery): AsyncGenerator<string> {
  for (let seq = wanted.after; ; ) {
    const events = await history.events({ runId, afterSeq: seq, types: told, limit: eventsAtOnce });
    let text = '';
    for (const event of events) {
      const line = lineOf(event, wanted);
      seq = event.seq;
      if (line === undefined) continue;
      const node = line.node === undefined || event.type !== 'log' ? '' : `${line.node}: `;
      text += `${line.at}  ${line.level.padEnd(5)}  ${node}${line.text.replaceAll('\n', '\n    ')}\n`;
    }
    if (text !== '') yield text;
    if (events.length < eventsAtOnce) return;
  }
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
