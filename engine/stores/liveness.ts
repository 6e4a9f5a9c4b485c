import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { Client } from 'pg';

/**
 * Who is alive: each live run holds a session-level advisory lock on a session of its own, which the server frees when the process is gone, however it ended,
 * and beats every 2 s, because a process that stands still keeps its sessions. One that has not beaten for 10 s counts as dead.
 *
 *     key of a run = the first 8 bytes of sha256(schema, run id), as one bigint; in pg_locks: classid = high half, objid = low half, objsubid = 1
 */
export interface Liveness {
  /** Holds the run's lock and beats for it from now on; after a lost session, takes it again. */
  hold(runId: string): Promise<void>;
  /** Takes again what a lost session held. */
  keep(): Promise<void>;
  /** Ends the session and with it all locks and beats. Never throws. */
  close(): Promise<void>;
}

const beatEveryMs = 2_000;
/** A run that has not beaten for so long counts as dead. */
export const deadAfterMs = 10_000;

export function createLiveness(schema: string, connect: () => Promise<Client>): Liveness {
  const heartbeats = `"${schema.replaceAll('"', '""')}".heartbeats`;
  const wanted = new Set<string>();
  const held = new Set<string>();
  let session: Promise<Client> | undefined;
  let beating: NodeJS.Timeout | undefined;

  const lost = (): void => {
    session = undefined;
    held.clear();
  };
  const open = (): Promise<Client> => {
    session ??= connect().then(
      (client) => {
        client.on('error', lost);
        client.on('end', lost);
        return client;
      },
      (error: unknown) => {
        lost();
        throw error;
      },
    );
    return session;
  };
  const beat = async (): Promise<void> => {
    if (wanted.size === 0) return;
    const client = await open();
    await client.query(
      `INSERT INTO ${heartbeats} (run_id, at) SELECT r, clock_timestamp() FROM unnest($1::text[]) AS r
       ON CONFLICT (run_id) DO UPDATE SET at = excluded.at`,
      [[...wanted]],
    );
  };
  const keep = async (): Promise<void> => {
    const missing = [...wanted].filter((runId) => !held.has(runId));
    if (missing.length === 0) return;
    const client = await open();
    await beat();
    for (const runId of missing) {
      const [high, low] = lockKey(schema, runId);
      // False while the server has not noticed that our old session is gone: its lock speaks for us until then.
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock(($1::bigint << 32) | $2::bigint) AS taken', [
        high,
        low,
      ]);
      if (rows[0]?.taken === true) held.add(runId);
    }
  };
  return {
    async hold(runId) {
      wanted.add(runId);
      beating ??= setInterval(() => {
        // A beat that cannot be sent is followed by the next one; what matters in the meantime is asked of `keep`.
        keep()
          .then(beat)
          .catch(() => undefined);
      }, beatEveryMs).unref();
      await keep();
    },
    keep,
    async close() {
      clearInterval(beating);
      const closing = session;
      const client = await closing?.catch(() => undefined);
      await client?.query(`DELETE FROM ${heartbeats} WHERE run_id = ANY ($1)`, [[...wanted]]).catch(() => undefined);
      wanted.clear();
      lost();
      await client?.end().catch(() => undefined);
    },
  };
}

/** Those of the runs whose lock is held by some session, and that have beaten lately. */
export async function aliveAmong(db: Knex, schema: string, runIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (runIds.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { high: string; low: string }[] }>(
    `SELECT classid::bigint AS high, objid::bigint AS low FROM pg_catalog.pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND granted
       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`,
  );
  const locks = new Set(rows.map(({ high, low }) => `${high} ${low}`));
  const beaten: readonly { readonly run_id: string }[] = await db
    .withSchema(schema)
    .table('heartbeats')
    .whereIn('run_id', [...runIds])
    .whereRaw(`at > clock_timestamp() - interval '${deadAfterMs} milliseconds'`)
    .select('run_id');
  return new Set(beaten.map((b) => b.run_id).filter((runId) => locks.has(lockKey(schema, runId).join(' '))));
}

/** Two halves of 32 bits, unsigned, as decimal text. */
function lockKey(schema: string, runId: string): readonly [string, string] {
  const digest = createHash('sha256').update(`${schema}\0${runId}`).digest();
  return [String(digest.readUInt32BE(0)), String(digest.readUInt32BE(4))];
}
