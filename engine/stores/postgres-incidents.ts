import type { Knex } from 'knex';
import type { Delivery, Incident, IncidentChange, Incidents, UnsentDelivery } from '../incidents.ts';
import type { Problem } from '../problem.ts';
import { refuseUnled } from './postgres-leader.ts';

interface IncidentRow {
  readonly id: string;
  readonly problem: Problem;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
}

interface DeliveryRow {
  readonly incident: string;
  readonly event: 'opened' | 'closed';
  readonly channel: string;
  readonly state: Delivery['state'];
  readonly attempts: number;
  readonly next_at: Date;
  readonly sent_at: Date | null;
  readonly error: string | null;
}

/** The contract of `Incidents` on the store's schema (`incidents`, `deliveries`). `known` turns the database's errors into the engine's. */
export function createPostgresIncidents(db: Knex, schema: string, known: <T>(work: () => Promise<T>) => Promise<T>): Incidents {
  const table = (name: 'incidents' | 'deliveries', on: Knex = db): Knex.QueryBuilder => on.withSchema(schema).table(name);
  const withDeliveries = async (rows: readonly IncidentRow[]): Promise<readonly Incident[]> => {
    if (rows.length === 0) return [];
    const found: readonly DeliveryRow[] = await table('deliveries')
      .whereIn(
        'incident',
        rows.map((row) => row.id),
      )
      .orderBy(['incident', 'channel', { column: 'event', order: 'desc' }]);
    return rows.map((row) => ({
      id: row.id,
      problem: row.problem,
      openedAt: row.opened_at.toISOString(),
      closedAt: row.closed_at?.toISOString(),
      deliveries: found.filter((delivery) => delivery.incident === row.id).map(deliveryOf),
    }));
  };
  const key = ({ incident, event, channel }: Delivery): object => ({ incident, event, channel });

  return {
    open: () => known(async () => withDeliveries(await table('incidents').whereNull('closed_at').orderBy('opened_at').orderBy('id'))),
    newest: (limit, before) =>
      known(async () => {
        const found = table('incidents').orderBy('opened_at', 'desc').orderBy('id', 'desc').limit(limit);
        if (before !== undefined)
          found.whereRaw('(opened_at, id) < (SELECT opened_at, id FROM :s:.incidents WHERE id = :before)', { s: schema, before });
        return withDeliveries(await found);
      }),
    record: (leader, change) =>
      known(() =>
        db.transaction(async (trx) => {
          await refuseUnled(trx, schema, leader);
          await record(trx, change);
        }),
      ),
    unsent: () =>
      known(async () => {
        const rows: readonly (DeliveryRow & IncidentRow)[] = await table('deliveries')
          .join(db.raw('??.incidents AS i', [schema]), 'i.id', 'deliveries.incident')
          .where({ state: 'due' })
          .orderBy(['i.opened_at', 'incident', 'channel'])
          .select('deliveries.*', 'i.problem', 'i.opened_at', 'i.closed_at');
        return rows.map(unsentOf);
      }),
    claim: (leader, deliveries, nowMs, untilMs) =>
      known(() =>
        db.transaction(async (trx) => {
          await refuseUnled(trx, schema, leader);
          const claimed: Delivery[] = [];
          for (const delivery of deliveries) {
            const rows: readonly DeliveryRow[] = await table('deliveries', trx)
              .where({ ...key(delivery), state: 'due' })
              .where('next_at', '<=', iso(nowMs))
              .update({ attempts: trx.raw('attempts + 1'), next_at: iso(untilMs) })
              .returning('*');
            claimed.push(...rows.map(deliveryOf));
          }
          return claimed;
        }),
      ),
    settle: (delivery, outcome) =>
      known(async () => {
        // What was told is told, also when it was given up meanwhile.
        await table('deliveries')
          .where(key(delivery))
          .whereIn('state', outcome.state === 'sent' ? ['due', 'given-up'] : ['due'])
          .update(
            outcome.state === 'sent'
              ? { state: 'sent', sent_at: outcome.at, error: null }
              : { state: outcome.state, error: outcome.error, ...(outcome.state === 'due' ? { next_at: outcome.nextAt } : {}) },
          );
      }),
    prune: (beforeMs, limit) =>
      known(async () => {
        const old = table('incidents').where('closed_at', '<', iso(beforeMs)).orderBy('closed_at').limit(limit).select('id');
        await table('incidents').whereIn('id', old).delete();
      }),
  };

  async function record(trx: Knex, { at, opened, closed }: IncidentChange): Promise<void> {
    for (const { id, problem, channels, over } of opened) {
      const made: readonly { id: string }[] = await table('incidents', trx)
        .insert({
          id,
          key: problem.key,
          problem: JSON.stringify(problem),
          opened_at: over ? problem.since : at,
          closed_at: over ? at : null,
        })
        .onConflict()
        .ignore()
        .returning('id');
      if (made.length > 0 && channels.length > 0)
        await table('deliveries', trx).insert(
          channels.map((channel) => ({ incident: id, event: over ? 'closed' : 'opened', channel, state: 'due', next_at: at })),
        );
    }
    for (const id of closed) {
      const done: number = await table('incidents', trx).where({ id }).whereNull('closed_at').update({ closed_at: at });
      if (done === 0) continue;
      const told: readonly { channel: string }[] = await table('deliveries', trx)
        .where({ incident: id, event: 'opened' })
        .select('channel');
      await table('deliveries', trx)
        .where({ incident: id, event: 'opened', state: 'due' })
        .update({ state: 'given-up', error: trx.raw(`coalesce(error || '; ', '') || 'it was over before it could be told'`) });
      if (told.length > 0)
        await table('deliveries', trx).insert(
          told.map(({ channel }) => ({ incident: id, event: 'closed', channel, state: 'due', next_at: at })),
        );
    }
  }
}

function deliveryOf(row: DeliveryRow): Delivery {
  return {
    incident: row.incident,
    event: row.event,
    channel: row.channel,
    state: row.state,
    attempts: row.attempts,
    nextAt: row.next_at.toISOString(),
    sentAt: row.sent_at?.toISOString(),
    error: row.error ?? undefined,
  };
}

function unsentOf(row: DeliveryRow & IncidentRow): UnsentDelivery {
  const at = row.event === 'opened' ? row.opened_at : (row.closed_at ?? row.opened_at);
  return { ...deliveryOf(row), alarm: { event: row.event, incident: row.incident, problem: row.problem, at: at.toISOString() } };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
