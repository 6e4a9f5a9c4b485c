import type {} from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { errorData } from '../error.ts';
import type { Store } from '../store.ts';
import type { Pulse } from './pulse.ts';

export interface HealthParts {
  readonly store: Pick<Store, 'exists'>;
  readonly clock: Clock;
  readonly pulse: Pulse;
  /** Aborted once the daemon was told to stop. */
  readonly signal: AbortSignal;
}

/** One thing that was looked at. `code` is that of an `EngineError`; its text, which may name hosts, is for the log. */
export interface Check {
  readonly ok: boolean;
  readonly code?: string;
}

/** `GET /readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: {
    /** The state store answers. */
    readonly store: Check;
    /** It has the shape that this engine knows. */
    readonly migrated: Check;
    /** Due times were looked at within half a minute, or whether it is this daemon's turn to lead. */
    readonly scheduler: Check & { readonly leads: boolean; readonly lastTurnSeconds?: number };
    /** Nobody has told the daemon to stop. */
    readonly staying: Check;
  };
}

/** The scheduler takes a turn each second, a daemon that follows every other one. */
const turnWithinMs = 30_000;
const answerWithinMs = 3_000;
/** However often it is asked, by whomever, the store is asked once in this time. */
const keptMs = 1_000;

/**
 * `/healthz`: the process answers. `/readyz`: it does its work, 503 when not, with each check in the body. Both are open to everybody who reaches the server, so they tell nothing but that.
 */
export function healthRoutes(app: FastifyInstance, parts: HealthParts): void {
  const look = storeLook(parts);
  const options = { config: { open: true }, schema: { hide: true } } as const;
  app.get('/healthz', options, async () => ({ ok: true }));
  app.get('/readyz', options, async (_request, reply) => {
    const body = readiness(parts, await look());
    return reply.code(body.ready ? 200 : 503).send(body);
  });
}

function readiness({ clock, pulse, signal }: HealthParts, store: Pick<Readiness['checks'], 'store' | 'migrated'>): Readiness {
  const last = pulse.lastTurnMs();
  const sinceMs = last === undefined ? undefined : clock.now() - last;
  const checks = {
    ...store,
    scheduler: {
      ok: sinceMs !== undefined && Math.abs(sinceMs) <= turnWithinMs,
      leads: pulse.leads(),
      ...(sinceMs === undefined ? {} : { lastTurnSeconds: sinceMs / 1000 }),
    },
    staying: { ok: !signal.aborted },
  };
  return { ready: Object.values(checks).every((check) => check.ok), checks };
}

/** Asks the store, one question at a time, and not for longer than the caller waits: a server that hangs is asked once, not by everybody who looks. */
function storeLook({ store, clock }: HealthParts): () => Promise<Pick<Readiness['checks'], 'store' | 'migrated'>> {
  type Answer = Pick<Readiness['checks'], 'store' | 'migrated'>;
  const silent: Answer = { store: { ok: false, code: 'store.silent' }, migrated: { ok: false } };
  let asking: Promise<Answer> | undefined;
  let known: { readonly answer: Answer; readonly atMs: number } | undefined;
  const ask = async (): Promise<Answer> => {
    const answer = await store.exists().then(
      (isMigrated): Answer => ({ store: { ok: true }, migrated: { ok: isMigrated } }),
      (error: unknown): Answer => {
        const { code } = errorData(error);
        return code === 'store.newer'
          ? { store: { ok: true }, migrated: { ok: false, code } }
          : { store: { ok: false, code }, migrated: { ok: false } };
      },
    );
    known = { answer, atMs: clock.now() };
    asking = undefined;
    return answer;
  };
  return async () => {
    if (known !== undefined && Math.abs(clock.now() - known.atMs) < keptMs) return known.answer;
    asking ??= ask();
    const over = new AbortController();
    const late = clock.sleep(answerWithinMs, over.signal).then(
      () => silent,
      () => silent,
    );
    try {
      return await Promise.race([asking, late]);
    } finally {
      over.abort();
    }
  };
}
