import type { Event, EventBody } from '../../engine/event.ts';

/** Events of one run, a second apart, from 2026-01-31T09:00:00Z. */
export function eventsOf(runId: string, bodies: readonly EventBody[]): readonly Event[] {
  return bodies.map((body, i) => ({ seq: i + 1, at: new Date(Date.UTC(2026, 0, 31, 9, 0, i)).toISOString(), runId, ...body }));
}

/** The beginning of a run of `shop`: users from a source into the lake and into staging, then dbt. */
export const shopStarted: EventBody & { readonly type: 'run.started' } = {
  type: 'run.started',
  pipeline: 'shop',
  mode: 'full',
  trigger: 'schedule',
  scheduledAt: '2026-01-31T09:00:00.000Z',
  nodes: [
    { id: 'extract users', type: 'postgres.extract', table: 'users', unit: 'extract users', needs: [] },
    { id: 'truncate users', type: 'postgres.truncate', table: 'users', unit: 'load users', needs: ['extract users'] },
    { id: 'load users', type: 'postgres.load', table: 'users', unit: 'load users', needs: ['truncate users'] },
    { id: 'dbt', type: 'dbt.build', unit: 'dbt', needs: ['load users'] },
  ],
  engine: '0.1.0',
  host: 'host-a',
  pid: 4711,
  request: {},
};
