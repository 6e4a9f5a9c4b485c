import type { Knex } from 'knex';
import type { Access, ActionRecord, TokenRecord } from '../access.ts';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly hash: string;
  readonly created_at: Date;
  readonly used_at: Date | null;
}

const actionsKept = 100_000;
const lookEvery = 1_000;

/** The contract of `Access` on the store's schema (`tokens`, `sessions`, `actions`). `known` turns the database's errors into the engine's. */
export function createPostgresAccess(db: Knex, schema: string, known: <T>(work: () => Promise<T>) => Promise<T>): Access {
  const table = (name: 'tokens' | 'sessions' | 'actions'): Knex.QueryBuilder => db.withSchema(schema).table(name);
  return {
    addToken: ({ id, name, hash, createdAt }) =>
      known(async () => {
        const made: readonly unknown[] = await table('tokens')
          .insert({ id, name, hash, created_at: createdAt })
          .onConflict('name')
          .ignore()
          .returning('id');
        return made.length === 1;
      }),
    tokens: () => known(async () => ((await table('tokens').orderBy('name').select()) as readonly TokenRow[]).map(tokenRecord)),
    token: (id) =>
      known(async () => {
        const row: TokenRow | undefined = await table('tokens').where({ id }).first();
        return row === undefined ? undefined : tokenRecord(row);
      }),
    revokeToken: (name) => known(async () => (await table('tokens').where({ name }).delete()) === 1),
    usedToken: (id, at) => known(async () => void (await table('tokens').where({ id }).update({ used_at: at }))),
    addSession: ({ id, tokenId, hash, expiresAt }) =>
      known(async () => void (await table('sessions').insert({ id, token_id: tokenId, hash, expires_at: expiresAt }))),
    session: (id, now) =>
      known(async () => {
        await table('sessions').where('expires_at', '<=', now).delete();
        const row: { readonly hash: string; readonly name: string; readonly expires_at: Date } | undefined = await db
          .withSchema(schema)
          .from('sessions')
          .join('tokens', 'tokens.id', 'sessions.token_id')
          .where('sessions.id', id)
          .first('sessions.hash', 'tokens.name', 'sessions.expires_at');
        return row === undefined ? undefined : { id, hash: row.hash, token: row.name, expiresAt: row.expires_at.toISOString() };
      }),
    endSession: (id) => known(async () => void (await table('sessions').where({ id }).delete())),
    record: ({ at, who, from, action, subject, outcome }) =>
      known(async () => {
        const [made]: readonly { readonly id: string }[] = await table('actions')
          .insert({ at, who, came_from: from, action, subject, outcome })
          .returning('id');
        const id = Number(made?.id ?? 0);
        if (id % lookEvery === 0)
          await table('actions')
            .where('id', '<=', id - actionsKept)
            .delete();
      }),
    actions: ({ before, limit, who, action, pipeline, refused }) =>
      known(async () => {
        const found = table('actions').orderBy('id', 'desc').limit(limit);
        if (before !== undefined) found.where('id', '<', before);
        if (who !== undefined) found.where({ who });
        if (action !== undefined) found.where({ action });
        if (refused === true) found.where('outcome', 'like', 'refused: %');
        if (pipeline !== undefined) found.whereRaw(ofPipeline, { s: schema, pipeline });
        const rows = (await found) as readonly (Omit<ActionRecord, 'id' | 'at' | 'from'> & {
          readonly id: string;
          readonly at: Date;
          readonly came_from: string;
        })[];
        return rows.map(({ id, at, who, came_from, action, subject, outcome }) => ({
          id: Number(id),
          at: at.toISOString(),
          who,
          from: came_from,
          action,
          subject,
          outcome,
        }));
      }),
  };
}

/** An action is about a pipeline, a run, or a number in the queue. */
const ofPipeline = `(
  (action IN ('trigger', 'pause', 'resume') AND subject = :pipeline)
  OR (action IN ('retry', 'cancel') AND subject IN (SELECT run_id FROM :s:.runs WHERE pipeline = :pipeline))
  OR (action = 'dequeue' AND subject IN (SELECT CAST(id AS text) FROM :s:.queue WHERE pipeline = :pipeline))
)`;

function tokenRecord({ id, name, hash, created_at, used_at }: TokenRow): TokenRecord {
  return { id, name, hash, createdAt: created_at.toISOString(), usedAt: used_at?.toISOString() };
}
