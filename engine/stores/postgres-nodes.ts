import type { Knex } from 'knex';
import type { Event, NodeResult } from '../event.ts';

/** What an event says about one node, as columns of `nodes`; undefined for one that says nothing that is kept there. */
function changeOf(event: Event): { readonly node: string; readonly columns: Readonly<Record<string, unknown>> } | undefined {
  const ended = { ended_at: event.at };
  switch (event.type) {
    case 'node.started':
      return { node: event.node, columns: { state: 'running', attempts: event.attempt } };
    case 'node.retrying':
      return { node: event.node, columns: { state: 'retrying' } };
    case 'node.succeeded':
    case 'node.failed':
      return {
        node: event.node,
        columns: {
          state: event.type === 'node.succeeded' ? 'succeeded' : 'failed',
          rows: event.result?.rows ?? null,
          bytes: event.result?.bytes ?? null,
          lake_version: lakeVersionOf(event.result),
          result: event.result === undefined ? null : JSON.stringify(event.result),
          ...ended,
        },
      };
    case 'node.skipped':
      return { node: event.node, columns: { state: 'skipped', ...ended } };
    case 'node.cancelled':
      return { node: event.node, columns: { state: 'cancelled', ...ended } };
    case 'node.kept':
      return { node: event.node, columns: { state: 'succeeded', kept_from: event.fromRun, ...ended } };
    default:
      return undefined;
  }
}

/** Keeps `nodes` as these events say, in the transaction that appends them; the same events twice leave it the same. */
export async function recordNodes(trx: Knex, schema: string, events: readonly Event[]): Promise<void> {
  const nodes = (): Knex.QueryBuilder => trx.withSchema(schema).table('nodes');
  for (const event of events) {
    if (event.type === 'run.started') {
      const { runId, pipeline } = event;
      const rows = event.nodes.map((n) => ({
        run_id: runId,
        node: n.id,
        pipeline,
        type: n.type,
        table_name: n.table ?? null,
        state: 'queued',
      }));
      if (rows.length > 0) await nodes().insert(rows).onConflict(['run_id', 'node']).ignore();
    }
    if (event.type === 'run.cancelled' || event.type === 'run.interrupted')
      await nodes()
        .where({ run_id: event.runId })
        .whereIn('state', ['queued', 'running', 'retrying'])
        .update({ state: event.type === 'run.cancelled' ? 'cancelled' : 'interrupted', ended_at: event.at });
    const change = changeOf(event);
    if (change === undefined) continue;
    const started = event.type === 'node.started' ? { started_at: trx.raw('coalesce(started_at, ?)', [event.at]) } : {};
    await nodes()
      .where({ run_id: event.runId, node: change.node })
      .update({ ...change.columns, ...started });
  }
}

/** Of an extract the version that it wrote to the lake, of a load the newest one that is in staging. */
function lakeVersionOf(result: NodeResult | undefined): number | null {
  const { version, lakeVersion } = result?.facts ?? {};
  return typeof version === 'number' ? version : typeof lakeVersion === 'number' ? lakeVersion : null;
}
