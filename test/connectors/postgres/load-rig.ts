import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { load } from '../../../connectors/postgres/load.ts';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import type { PostgresServer } from '../../../connectors/postgres/server.ts';
import type { PostgresSink } from '../../../connectors/postgres/sink.ts';
import { truncate } from '../../../connectors/postgres/truncate.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import type { Json, JsonObject } from '../../../engine/base/json.ts';
import type { NodeContext, Roles, SurveyContext, UnitResource } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import type { NodeResult, Progress } from '../../../engine/event.ts';
import { createRunLeases, type RunLeases } from '../../../engine/execute/leases.ts';
import type { NodePlan } from '../../../engine/plan.ts';
import type { Store } from '../../../engine/store.ts';
import { createMemoryStore } from '../../../engine/stores/memory.ts';
import type { Lake } from '../../../lake/lake.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';

export interface LoadRequest {
  /** Its folder in the lake and its name in staging. */
  readonly table?: string;
  readonly load?: 'merge' | 'append';
  readonly signal?: AbortSignal;
  readonly lockTimeoutMs?: number;
  readonly lockWaitMs?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Between the last node and the unit's commit. */
  readonly beforeCommit?: () => Promise<void>;
  readonly server?: PostgresServer;
  /** What DuckDB may use; absent: the load's own small default. */
  readonly memoryBytes?: number;
  /** The state store that it takes its lease from; by default one of its own, as an engine has that shares the sink and nothing else. */
  readonly store?: Store;
  /** Of its run; from 1. */
  readonly attempt?: number;
  readonly runId?: string;
}

/** The nodes of a load on a database of its own, steered by a test; a lake is given. */
export interface LoadRig {
  readonly db: TestDatabase;
  readonly client: pg.Client;
  readonly server: PostgresServer;
  /** What was logged, newest last. */
  readonly logs: string[];
  /** Where parts are made. */
  readonly tempFolder: string;
  /** Truncate and load in one unit, or the load alone; each call is a run of its own. Throws what failed, after the unit's rollback. */
  full(request?: LoadRequest): Promise<NodeResult>;
  incremental(request?: LoadRequest): Promise<NodeResult>;
  plan(
    mode: 'full' | 'incremental',
    request?: LoadRequest & {
      readonly earlier?: ReadonlyMap<string, NodePlan>;
      readonly url?: string;
      readonly node?: 'truncate' | 'load';
    },
  ): Promise<NodePlan>;
  /** Rows of SQL as arrays of text. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  close(): Promise<void>;
}

export async function loadRig(lake: Lake, prefix: string): Promise<LoadRig> {
  const db = await freshDatabase(prefix);
  const root = await mkdtemp(join(tmpdir(), 'engine-load-'));
  const client = await db.client();
  await client.query("SET search_path = ''; SET TimeZone = 'UTC'");
  const scope = { root, clock: systemClock, engine: 'test', log: () => undefined };
  const server = openServer('sink', { url: db.url }, scope);
  const logs: string[] = [];
  let runs = 0;
  /** Attempts of one run share its leases. */
  const held = new Map<string, RunLeases>();

  const connectionOn =
    (given: PostgresServer, memoryBytes?: number) =>
    <R extends keyof Roles>(_name: string, role: R): Roles[R] => {
      const duckdb = memoryBytes === undefined ? {} : { duckdb: { memoryBytes, threads: 1 } };
      const sink: PostgresSink = { schema: 'staging', server: given, ...duckdb };
      return (role === 'lake' ? lake : sink) as Roles[R];
    };

  const optionsOf = (request: LoadRequest, mode: 'full' | 'incremental'): JsonObject => {
    const table = request.table ?? 't';
    return {
      table,
      folder: table,
      lake: 'lake',
      sink: 'sink',
      into: { schema: 'staging', name: table },
      load: request.load ?? 'merge',
      mode,
      ...(request.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: request.lockTimeoutMs }),
      ...(request.lockWaitMs === undefined ? {} : { lockWaitMs: request.lockWaitMs }),
    };
  };

  const run = async (request: LoadRequest, mode: 'full' | 'incremental'): Promise<NodeResult> => {
    runs += 1;
    const resources = new Map<string, Promise<UnitResource>>();
    const runId = request.runId ?? `load-run-${runs}`;
    const leases =
      held.get(runId) ?? createRunLeases(request.store ?? createMemoryStore(systemClock), { runId, host: 'here', pid: process.pid });
    held.set(runId, leases);
    const context: NodeContext = {
      clock: systemClock,
      signal: request.signal ?? new AbortController().signal,
      connection: connectionOn(request.server ?? server, request.memoryBytes),
      runId,
      nodeId: 'load t',
      attempt: request.attempt ?? 1,
      history: undefined,
      root,
      progress: (progress) => request.onProgress?.(progress),
      log: (level, text) => void logs.push(`${level} ${text}`),
      dbtResult: () => undefined,
      lease: (name) => leases.take(name),
      unit: {
        join: async <T extends UnitResource>(name: string, open: () => Promise<T>): Promise<T> => {
          const there = resources.get(name) ?? open();
          resources.set(name, there);
          return (await there) as T;
        },
      },
    };
    const options = optionsOf(request, mode);
    try {
      if (mode === 'full') await truncate.run(context, options);
      const result = await load.run(context, options);
      await request.beforeCommit?.();
      let said: { readonly [key: string]: Json } = {};
      for (const resource of resources.values()) said = { ...said, ...(await (await resource).commit()) };
      return { ...result, facts: { ...result.facts, ...said } };
    } catch (error) {
      for (const resource of resources.values()) await resource.then((r) => r.rollback()).catch(() => undefined);
      throw error;
    }
  };

  return {
    db,
    client,
    server,
    logs,
    tempFolder: join(root, '.engine', 'tmp'),
    full: (request = {}) => run(request, 'full'),
    incremental: (request = {}) => run(request, 'incremental'),
    async plan(mode, request = {}) {
      const options = optionsOf(request, mode);
      const on = request.url === undefined ? server : openServer('sink', { url: request.url }, scope);
      const context: SurveyContext = { clock: systemClock, signal: new AbortController().signal, connection: connectionOn(on) };
      const node = request.node === 'truncate' ? truncate : load;
      const facts = JSON.parse(JSON.stringify(await node.survey(context, options))) as JsonObject;
      return node.describe(options, facts, request.earlier ?? new Map());
    },
    async rows(sql) {
      return (await client.query({ text: sql, rowMode: 'array' })).rows.map((r: unknown[]) =>
        r.map((v) => (v === null ? null : String(v))),
      );
    },
    async close() {
      await server.close();
      await db.drop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Waits until a question is answered with true; gives up after ten seconds. */
export async function until(question: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!(await question())) {
    if (Date.now() > giveUpAt) throw new Error(`waited ten seconds for ${what}`);
    await systemClock.sleep(10);
  }
}

/** The EngineError that a load must end with. */
export async function refusal(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
