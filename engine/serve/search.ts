import type { FastifyInstance } from 'fastify';
import type { FoundRun, SearchPage } from '../api-search.ts';
import type { RunRecord } from '../run.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, limitParam, ref } from './schemas.ts';

/** So many of the newest runs that ended badly are looked into. */
const causesRead = 50;
const causesKept = 1_000;
const characters = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' } as const;

/** `GET /search`: runs by a part of their id, and the newest that ended badly by what they said. */
export function searchRoutes(app: FastifyInstance, { history }: ServerParts): void {
  /** Why runs that have ended did so: that does not change any more. */
  const causes = new Map<string, string>();
  const causeOf = async ({ runId }: RunRecord): Promise<string> => {
    const known = causes.get(runId);
    if (known !== undefined) return known;
    const events = await history.events({ runId, types: ['run.failed', 'run.interrupted', 'node.failed'], limit: 20 });
    const texts = events.map((event) =>
      event.type === 'run.failed' || event.type === 'node.failed'
        ? event.error.message
        : event.type === 'run.interrupted'
          ? event.reason
          : '',
    );
    const cause = [...new Set(texts.filter((text) => text !== ''))].join('; ');
    if (causes.size >= causesKept) causes.clear();
    causes.set(runId, cause);
    return cause;
  };
  app.get<{ Querystring: { readonly q: string; readonly limit: number } }>(
    '/search',
    {
      schema: {
        summary: 'Runs by a part of their id, and the newest that ended badly by what they said',
        querystring: fields({ q: characters, limit: limitParam(50, 10) }, ['q']),
        response: answers(ref('SearchPage')),
      },
    },
    async ({ query: { q, limit } }): Promise<SearchPage> => {
      const wanted = q.trim().toLowerCase();
      if (wanted === '') return { runs: [] };
      const [named, bad] = await Promise.all([
        history.runs({ idPart: q.trim(), limit }),
        history.runs({ states: ['failed', 'interrupted'], limit: causesRead }),
      ]);
      const found: FoundRun[] = named.map((run) => foundRun(run, undefined));
      for (const run of bad) {
        if (found.length >= limit) break;
        const cause = await causeOf(run);
        if (cause.toLowerCase().includes(wanted) && !found.some(({ runId }) => runId === run.runId)) found.push(foundRun(run, cause));
      }
      return { runs: found };
    },
  );
}

function foundRun({ runId, pipeline, state, startedAt }: RunRecord, cause: string | undefined): FoundRun {
  return { runId, pipeline, state, startedAt, cause };
}
