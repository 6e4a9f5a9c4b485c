import type { FastifyInstance } from 'fastify';
import type { QueueEntry } from '../queue.ts';
import type { ServerParts } from './parts.ts';
import { answers, ref } from './schemas.ts';

/** What waits. */
export function queueRoutes(app: FastifyInstance, parts: ServerParts): void {
  app.get(
    '/queue',
    { schema: { summary: 'Runs that are to be, oldest first', response: answers({ type: 'array', items: ref('QueueEntry') }) } },
    async (): Promise<readonly QueueEntry[]> => parts.queue.waiting(),
  );
}
