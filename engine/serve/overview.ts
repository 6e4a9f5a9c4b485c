import type { FastifyInstance } from 'fastify';
import type { Overview } from '../api.ts';
import { lastKnown } from './last-known.ts';
import type { ServerParts } from './parts.ts';
import { answers, ref } from './schemas.ts';
import { declaredTables, leadershipView, pipelineViews, tableViews } from './views.ts';

/** Several pages that ask at the same moment get one answer. */
const freshMs = 250;
/** Then the last known is shown. */
const patienceMs = 5_000;

/** `GET /overview`: the last known while the store is down. */
export function overviewRoutes(app: FastifyInstance, parts: ServerParts): void {
  const overview = lastKnown(parts.clock, { freshMs, patienceMs }, () => makeOverview(parts));
  app.addHook('onResponse', async (request, reply) => {
    if (request.method !== 'GET' && reply.statusCode < 300) overview.forget();
  });
  app.get(
    '/overview',
    { schema: { summary: 'All that is worth knowing at a glance', response: answers(ref('Overview')) } },
    async (): Promise<Overview> => {
      const { value, down } = await overview.get();
      return { ...value, storeDown: down };
    },
  );
}

async function makeOverview(parts: ServerParts): Promise<Omit<Overview, 'storeDown'>> {
  const config = await parts.config();
  const [daemon, problems, pipelines, tables, queue] = await Promise.all([
    leadershipView(parts),
    parts.problems(config),
    pipelineViews(parts, Object.values(config.pipelines)),
    declaredTables(parts, config).then((declared) => tableViews(parts, config, declared)),
    parts.queue.waiting(),
  ]);
  return { at: new Date(parts.clock.now()).toISOString(), engine: parts.engine, daemon, problems, pipelines, tables, queue };
}
