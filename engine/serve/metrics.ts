import type {} from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, type Gauge, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import { EngineError } from '../error.ts';
import { families } from './metric-families.ts';
import { type MetricSources, problemReader, readStore, type StoreReading } from './metric-reading.ts';

export interface MetricsParts extends MetricSources {
  readonly clock: Clock;
  /** One line about what happened. */
  tell(level: 'warn', text: string): void;
}

/** What was read of the store is shown for so long: several who scrape cost as much as one. */
const keptMs = 3_000;
/** A store that does not answer by then is down for this scrape. */
const answerWithinMs = 5_000;

/**
 * `GET /metrics`, in Prometheus' text format. What outlives this process (runs, rows, queue, tables) is read from the store at a scrape, so it is the same whichever daemon is asked; counters come from `History.totals`,
 * which only rise. A store that cannot be read leaves `engine_store_up 0`, and what the process knows by itself. Only pipelines of the configuration have series.
 */
export function metricsRoutes(app: FastifyInstance, parts: MetricsParts): void {
  const read = storeReader(parts);
  let registry: Registry | undefined;
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const reading = await read();
    registry ??= processRegistry();
    const own = new Registry();
    const moment = { parts, reading, nowMs: parts.clock.now() };
    for (const family of families) {
      const values = family.read(moment);
      const { name, help, type } = family;
      const metric = { name, help, type, get: async () => ({ name, help, type, values, aggregator: 'omit' }) };
      // The registry writes whatever gives its values; prom-client's own classes can count, and not say what was counted elsewhere.
      if (values.length > 0) own.registerMetric(metric as unknown as Gauge);
    }
    return reply.type(Registry.PROMETHEUS_CONTENT_TYPE).send(`${await own.metrics()}\n${await registry.metrics()}`);
  });
}

/** Of this process: memory, CPU, event loop, garbage collection. Made at the first scrape: it costs a little all the time. */
function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  return registry;
}

/** Reads the store, one at a time, not more often than it changes much; undefined when that failed. */
function storeReader(parts: MetricsParts): () => Promise<StoreReading | undefined> {
  const { clock } = parts;
  let reading: Promise<StoreReading | undefined> | undefined;
  let known: { readonly value: StoreReading | undefined; readonly atMs: number } | undefined;
  let told = '';
  const problems = problemReader(parts);
  const readAll = async (): Promise<StoreReading> => {
    const found = await readStore(parts);
    return { ...found, problems: await problems(found.config) };
  };
  const readOnce = async (): Promise<StoreReading | undefined> => {
    const value = await readAll().then(
      (found) => {
        told = '';
        return found;
      },
      (error: unknown) => {
        if (!(error instanceof EngineError)) throw error;
        if (told !== error.message) parts.tell('warn', `metrics without the store: ${error.message}`);
        told = error.message;
        return undefined;
      },
    );
    known = { value, atMs: clock.now() };
    return value;
  };
  return async () => {
    if (known !== undefined && Math.abs(clock.now() - known.atMs) < keptMs) return known.value;
    reading ??= readOnce().finally(() => {
      reading = undefined;
    });
    const over = new AbortController();
    const late = clock.sleep(answerWithinMs, over.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([reading, late]);
    } finally {
      over.abort();
    }
  };
}
