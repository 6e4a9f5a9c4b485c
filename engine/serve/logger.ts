import { type Logger, pino } from 'pino';
import type { Clock } from '../base/clock.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { redactAll } from '../base/secret.ts';
import { errorData } from '../error.ts';
import type { LogLevel } from '../event.ts';

/** The one log of a daemon: what its scheduler and its HTTP server have to say. */
export type Log = Logger;

/** One line of it, clean of secrets; `time` is ISO 8601 UTC. */
export interface LogRecord {
  readonly format_version: 1;
  readonly level: LogLevel;
  readonly time: string;
  readonly msg?: string;
  readonly [field: string]: Json | undefined;
}

/**
 * A pino logger (Fastify takes it as `loggerInstance`) whose lines go to `write`. Whoever logs need not care for secrets: each line is redacted as a whole, text by text, and loses what headers carry,
 * and what follows a `?` in a URL.
 */
export function createLog(parts: { readonly level: LogLevel; readonly clock: Clock; write(record: LogRecord): void }): Log {
  return pino(
    {
      level: parts.level,
      base: { format_version: 1 },
      timestamp: () => `,"time":"${new Date(parts.clock.now()).toISOString()}"`,
      formatters: { level: (level) => ({ level: level === 'fatal' ? 'error' : level === 'trace' ? 'debug' : level }) },
      serializers: {
        // The names of Fastify's and of node's request and reply.
        req: (req: { method?: string; url?: string; ip?: string }) => ({ method: req.method, url: req.url, from: req.ip }),
        res: (res: { statusCode?: number }) => ({ statusCode: res.statusCode }),
        err: (error: unknown) => {
          const data = errorData(error);
          // The place in the code helps with a defect of the engine's own, and with nothing else.
          return data.code === 'engine.defect' && error instanceof Error ? { ...data, stack: error.stack } : data;
        },
      },
    },
    { write: (line: string) => parts.write(clean(JSON.parse(line) as JsonObject) as unknown as LogRecord) },
  );
}

const hiddenKeys = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'password', 'secret', 'x-api-key']);

function clean(record: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key,
      hiddenKeys.has(key.toLowerCase()) ? '***' : key === 'url' && typeof value === 'string' ? withoutQuery(value) : cleanValue(value),
    ]),
  );
}

function cleanValue(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(cleanValue);
  if (typeof value === 'object' && value !== null) return clean(value as JsonObject);
  return redactAll(value) ?? null;
}

/** A token may stand in a query. */
function withoutQuery(url: string): string {
  return String(redactAll(url.replace(/[?#].*$/s, '')));
}
