import type { FastifyInstance } from 'fastify';
import type { ConnectionState, ConnectionsPage } from '../api-connections.ts';
import { redact } from '../base/secret.ts';
import type { Config } from '../config.ts';
import { EngineError, errorData } from '../error.ts';
import type { ServerParts } from './parts.ts';
import { answers, ref } from './schemas.ts';

const freshMs = 30_000;
const patienceMs = 3_000;
/** Every database has it. */
const anyRelation = { schema: 'pg_catalog', name: 'pg_class' };

/** Something to be looked at. `ask` resolves to false for a server of the engine's own that nobody uses now: it is not started for a look. */
interface Asked {
  readonly kind: ConnectionState['kind'];
  readonly name: string;
  readonly type: string;
  ask(): Promise<boolean>;
}

/** `GET /connections`. Who asks while it is looked at waits for the same look; one that hangs is told as silent, and is not asked again before it has come back. */
export function connectionRoutes(app: FastifyInstance, parts: ServerParts): void {
  const known = new Map<string, ConnectionState>();
  const asking = new Map<string, Promise<ConnectionState>>();
  const hanging = new Set<string>();
  const iso = (): string => new Date(parts.clock.now()).toISOString();

  const look = async (asked: Asked, key: string): Promise<ConnectionState> => {
    const { kind, name, type } = asked;
    const found = await within(asked, key);
    const at = iso();
    const before = known.get(key);
    const state: ConnectionState = { kind, name, type, ...found, since: before?.state === found.state ? before.since : at, checkedAt: at };
    known.set(key, state);
    return state;
  };

  const within = async ({ ask }: Asked, key: string): Promise<Pick<ConnectionState, 'state' | 'why' | 'hint'>> => {
    const late = {
      state: 'silent',
      why: `it does not answer within ${patienceMs / 1000} s`,
      hint: 'Look at the network between here and there.',
    } as const;
    if (hanging.has(key)) return late;
    hanging.add(key);
    const over = new AbortController();
    const answered = ask()
      .then(
        (up) => ({ state: up ? ('answers' as const) : ('idle' as const), why: undefined, hint: undefined }),
        (error: unknown) => {
          if (error instanceof DOMException) return late;
          // A defect of one is no reason to tell nothing of the others.
          const { message, hint } = errorData(error);
          return { state: 'silent' as const, why: redact(message), hint };
        },
      )
      .finally(() => hanging.delete(key));
    const tooLate = parts.clock.sleep(patienceMs, over.signal).then(() => late);
    // One of the two is not waited for.
    answered.catch(() => undefined);
    tooLate.catch(() => undefined);
    try {
      return await Promise.race([answered, tooLate]);
    } finally {
      over.abort();
    }
  };

  const stateOf = (asked: Asked): Promise<ConnectionState> => {
    const key = `${asked.kind} ${asked.name}`;
    const before = known.get(key);
    if (before !== undefined && parts.clock.now() - Date.parse(before.checkedAt) < freshMs) return Promise.resolve(before);
    const already = asking.get(key) ?? look(asked, key).finally(() => asking.delete(key));
    asking.set(key, already);
    return already;
  };

  app.get(
    '/connections',
    { schema: { summary: 'Whether sources, sinks, the lake and the store answer', response: answers(ref('ConnectionsPage')) } },
    async (): Promise<ConnectionsPage> => {
      const config = await parts.config();
      return { connections: await Promise.all(askedOf(parts, config).map(stateOf)) };
    },
  );
}

function askedOf(parts: ServerParts, config: Config): readonly Asked[] {
  const database = (kind: 'source' | 'sink', name: string, type: string): Asked => ({
    kind,
    name,
    type,
    ask: async () => {
      const { look } = await parts.link(config, kind, name);
      try {
        await look?.({ relations: [anyRelation], signal: AbortSignal.timeout(patienceMs) });
        return true;
      } catch (error) {
        if (error instanceof EngineError && error.code === 'embedded.not-running') return false;
        throw error;
      }
    },
  });
  return [
    ...Object.entries(config.sources).map(([name, { type }]) => database('source', name, type)),
    {
      kind: 'lake',
      name: 'lake',
      type: config.lake.type,
      ask: async () => {
        for await (const _file of (await parts.lake(config)).list('')) break;
        return true;
      },
    },
    ...Object.entries(config.sinks).map(([name, { type }]) => database('sink', name, type)),
    {
      kind: 'store',
      name: 'store',
      type: 'postgres',
      ask: async () => {
        await parts.store.leases();
        return true;
      },
    },
  ];
}
