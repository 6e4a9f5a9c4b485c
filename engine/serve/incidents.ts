import type { FastifyInstance } from 'fastify';
import type { IncidentsPage } from '../api-settings.ts';
import { redactAll } from '../base/secret.ts';
import type { Incident } from '../incidents.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, limitParam, ref, runParam } from './schemas.ts';

/** What rang, and whom it was told to. */
export function incidentRoutes(app: FastifyInstance, { store }: ServerParts): void {
  app.get<{ Querystring: { readonly before?: string; readonly limit: number } }>(
    '/incidents',
    {
      schema: {
        summary: 'Problems from their beginning to their end, and whom they were told to, newest first',
        querystring: fields({ before: runParam, limit: limitParam(200, 50) }),
        response: answers(ref('IncidentsPage')),
      },
    },
    async ({ query: { before, limit } }): Promise<IncidentsPage> => {
      const incidents = (await store.incidents?.newest(limit, before)) ?? [];
      // What a channel said of its refusal is shown as it was kept.
      const shown = incidents.map((incident) => redactAll(incident) as unknown as Incident);
      return { incidents: shown, next: incidents.length < limit ? undefined : incidents.at(-1)?.id };
    },
  );
}
