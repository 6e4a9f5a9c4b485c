import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Lease } from '../connector.ts';
import type { Event } from '../event.ts';
import { type RunRecord, runOf } from '../run.ts';
import type { LeaseHolder, LeaseRecord, Store } from '../store.ts';
import { leaseHeld, leaseLost, processGone } from './wording.ts';

/** What several stores in one process share, as processes share a database. */
export interface MemoryRealm {
  readonly id: string;
  readonly events: Map<string, Event[]>;
  readonly leases: Map<string, { token: number; holder: (LeaseHolder & { since: string }) | undefined }>;
  /** Who asked, by run. */
  readonly cancels: Map<string, string>;
  /** Runs whose store is open. */
  readonly alive: Set<string>;
}

export function createMemoryRealm(): MemoryRealm {
  return { id: randomUUID(), events: new Map(), leases: new Map(), cancels: new Map(), alive: new Set() };
}

/** The contract of `Store` in this process's memory. A run is alive while the store that began it is open. */
export function createMemoryStore(clock: Clock, realm: MemoryRealm = createMemoryRealm()): Store {
  const own = new Set<string>();
  const live = (runId: string): void => {
    own.add(runId);
    realm.alive.add(runId);
  };
  const records = (): RunRecord[] =>
    [...realm.events.values()].flatMap((events) => {
      const run = runOf(events);
      if (run === undefined) return [];
      const { runId, pipeline, mode, state, startedAt, endedAt, host, pid, retryOf, trigger, scheduledAt } = run;
      return [{ runId, pipeline, mode, state, startedAt, endedAt, host, pid, retryOf, trigger, scheduledAt }];
    });
  const append = (event: Event): void => {
    const known = realm.events.get(event.runId);
    if (known === undefined && event.type !== 'run.started') throw new Error(`run ${event.runId} begins with ${event.type}`);
    if (known?.some((e) => e.seq === event.seq) === true) return;
    realm.events.set(
      event.runId,
      [...(known ?? []), event].sort((a, b) => a.seq - b.seq),
    );
  };
  const isLive = (record: RunRecord): boolean => record.state === 'running' && realm.alive.has(record.runId);

  return {
    queue: undefined,
    history: undefined,
    access: undefined,
    incidents: undefined,
    migrate: async () => undefined,
    exists: async () => true,
    async append(events) {
      for (const event of events) {
        if (event.type === 'run.started') live(event.runId);
        append(event);
      }
    },
    runs: async ({ pipeline, states, limit }) =>
      records()
        .filter((r) => (pipeline === undefined || r.pipeline === pipeline) && (states === undefined || states.includes(r.state)))
        .sort((a, b) => compare(b.startedAt, a.startedAt) || compare(b.runId, a.runId))
        .slice(0, limit),
    run: async (runId) => records().find((r) => r.runId === runId),
    events: async (runId, afterSeq = 0) => (realm.events.get(runId) ?? []).filter((e) => e.seq > afterSeq),
    async lease(name, holder) {
      const row = realm.leases.get(name) ?? { token: 0, holder: undefined };
      const by = row.holder;
      if (by !== undefined && by.runId !== holder.runId && realm.alive.has(by.runId)) throw leaseHeld(name, by);
      live(holder.runId);
      row.token += 1;
      row.holder = { ...holder, since: new Date(clock.now()).toISOString() };
      realm.leases.set(name, row);
      const token = row.token;
      const mine = (): boolean => row.token === token && row.holder !== undefined;
      return {
        name,
        scope: realm.id,
        token,
        async check() {
          if (!mine()) throw leaseLost(name);
        },
        async release() {
          if (mine()) row.holder = undefined;
        },
      } satisfies Lease;
    },
    leases: async () =>
      [...realm.leases].flatMap(([name, { token, holder }]): LeaseRecord[] =>
        holder === undefined || !realm.alive.has(holder.runId) ? [] : [{ name, token, ...holder }],
      ),
    async sweep() {
      const gone = records().filter((r) => r.state === 'running' && !realm.alive.has(r.runId));
      for (const { runId } of gone) {
        const seq = Math.max(...(realm.events.get(runId) ?? []).map((e) => e.seq)) + 1;
        append({ seq, at: new Date(clock.now()).toISOString(), runId, type: 'run.interrupted', reason: processGone });
      }
      return gone.map((r) => r.runId);
    },
    async requestCancel(runId, by) {
      const found = records().find((r) => r.runId === runId);
      if (found === undefined || !isLive(found)) return false;
      realm.cancels.set(runId, by);
      return true;
    },
    cancelRequestedBy: async (runId) => realm.cancels.get(runId),
    async close() {
      for (const runId of own) realm.alive.delete(runId);
      own.clear();
    },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
