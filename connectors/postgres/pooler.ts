import type { DatabaseParameters } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { openSession, placeOf, type Session } from './connect.ts';

/** What stands between the engine and the server. */
export type Pooling = 'none' | 'session' | 'transaction';

/** What two sessions saw. The first one's backend by the protocol's word and by its own, and each later statement's; the second's inside a transaction. */
export interface PoolingFacts {
  readonly announced: number | undefined;
  readonly backends: readonly number[];
  /** The backend of another session, while that one held a transaction open; undefined: none could be had. */
  readonly others: readonly number[];
  /** What was SET is still in force, with its value. */
  readonly settingsKept: boolean;
}

/**
 * A server announces the pid that its backend has; a pooler announces a number of its own. In transaction mode a session has no backend to itself: it changes, is lent
 * to another session meanwhile, or a SET is gone.
 */
export function poolingOf(facts: PoolingFacts): Pooling {
  const [first, ...later] = facts.backends;
  const changed = later.some((backend) => backend !== first) || facts.others.some((other) => facts.backends.includes(other));
  if (changed || !facts.settingsKept) return 'transaction';
  return facts.announced === undefined || facts.announced === first ? 'none' : 'session';
}

const rounds = 3;
const probeTimeoutMs = 3_000;
const marker = 'engine.session';
const seen = `SELECT pg_catalog.pg_backend_pid() AS backend, pg_catalog.current_setting('${marker}', true) AS marker`;

/** Looks how a session is pooled; asks more than its first answer only when a pooler is there. */
export async function probePooling(session: Session, parameters: DatabaseParameters): Promise<Pooling> {
  const direct = poolingOf({ announced: session.announced, backends: [session.backend], others: [], settingsKept: true });
  if (direct === 'none') return 'none';
  const backends = [session.backend];
  const others: number[] = [];
  const value = `${session.announced}-${session.backend}`;
  let settingsKept = true;
  const look = async (): Promise<void> => {
    const { rows } = await session.client.query<{ backend: number; marker: string | null }>(seen);
    if (rows[0] !== undefined) backends.push(rows[0].backend);
    if (rows[0]?.marker !== value) settingsKept = false;
  };
  await session.client.query(`SET SESSION ${marker} = '${value}'`);
  const other = await secondSession(parameters);
  try {
    for (
      let round = 0;
      round < rounds && poolingOf({ announced: session.announced, backends, others, settingsKept }) !== 'transaction';
      round++
    ) {
      if (other !== undefined) {
        await other.client.query('BEGIN');
        const { rows } = await other.client.query<{ backend: number }>(seen);
        if (rows[0] !== undefined) others.push(rows[0].backend);
        if (rows[0]?.backend !== session.backend) await look();
        await other.client.query('COMMIT');
      }
      await look();
    }
  } finally {
    await other?.client.end();
  }
  return poolingOf({ announced: session.announced, backends, others, settingsKept });
}

/** Another session, or undefined: a pool with one backend gives none while the first session has it, and that is session mode. */
async function secondSession(parameters: DatabaseParameters): Promise<Session | undefined> {
  const opening = openSession({ ...parameters, connectTimeoutMs: probeTimeoutMs }, 'pooler').catch((error: unknown) => {
    if (error instanceof EngineError) return undefined;
    throw error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, probeTimeoutMs, 'late');
  });
  const first = await Promise.race([opening, late]);
  clearTimeout(timer);
  if (first !== 'late') return first;
  void opening.then((session) => session?.client.end());
  return undefined;
}

/** The refusal of a pooler, with the way out. */
export function poolerError(parameters: DatabaseParameters, pooling: 'session' | 'transaction'): EngineError {
  const mode = pooling === 'transaction' ? 'a pooler in transaction mode (pgbouncer, RDS Proxy or the like) answers' : 'a pooler answers';
  return new EngineError(
    'refused',
    'postgres.pooler',
    `at ${placeOf(parameters)} ${mode}: session settings, snapshots and locks would not hold`,
    {
      hint:
        pooling === 'transaction'
          ? 'Give the URL of the Postgres server itself (port 5432 as a rule), or of a pool in session mode.'
          : 'Extracts need the Postgres server itself: give its own URL (port 5432 as a rule).',
    },
  );
}
