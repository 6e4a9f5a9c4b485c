import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connector as file } from '../../connectors/file/index.ts';
import { connector as postgres } from '../../connectors/postgres/index.ts';
import { type Clock, systemClock } from '../../engine/base/clock.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import { lakeFolder } from '../../engine/base/lake-folder.ts';
import type { TableConfig } from '../../engine/config.ts';
import type { Connection, ConnectionScope, NodeType, Roles } from '../../engine/connector.ts';
import type { EventBody, NodeResult } from '../../engine/event.ts';
import { type AttemptOutcome, attemptUnit } from '../../engine/execute/attempt.ts';
import { createRunLeases } from '../../engine/execute/leases.ts';
import type { NodePlan } from '../../engine/plan.ts';
import type { Store } from '../../engine/store.ts';
import { createMemoryStore } from '../../engine/stores/memory.ts';
import type { Lake } from '../../lake/lake.ts';

/** A table's settings with all defaults, for nodes that are run without a configuration. */
export function tableConfig(name: string, given: Partial<TableConfig> = {}): TableConfig {
  return {
    name,
    source: 'source',
    relation: { schema: 'public', name },
    key: undefined,
    cursor: 'updated_at',
    cursorTimezone: undefined,
    lookbackMs: undefined,
    lookbackUnits: undefined,
    maxHoldMs: 3_600_000,
    nullCursor: 'include',
    columns: { include: undefined, exclude: [], rename: {}, types: {}, mask: {} },
    where: undefined,
    lake: { compression: 'zstd', targetFileSizeBytes: 64 * 1024 * 1024 },
    sink: 'sink',
    into: { schema: 'staging', name },
    load: 'merge',
    ...given,
  };
}

/** Nodes of a pipeline, run one by one on real connections: each `run` is a run of its own, as the executor would make it, steered by the test. */
export interface NodeRig {
  readonly folder: string;
  readonly lake: Lake;
  readonly store: Store;
  /** Takes some tables under one snapshot, in one run. */
  extract(mode: 'full' | 'incremental', tables: readonly TableConfig[], options?: RunOptions): Promise<readonly Extracted[]>;
  /** The plan of an extract of one table. */
  planExtract(mode: 'full' | 'incremental', table: TableConfig, options?: RunOptions): Promise<NodePlan>;
  /** Loads a table, with `truncate` before it when the mode is full; one unit. */
  load(mode: 'full' | 'incremental', table: TableConfig, options?: RunOptions): Promise<AttemptOutcome>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: EventBody) => void;
  readonly sourceUrl?: string;
  /** What columns are hashed with. */
  readonly maskSalt?: string;
  /** What this engine's own clock shows; default: the machine's. */
  readonly clock?: Clock;
}

export interface Extracted {
  readonly table: string;
  readonly outcome: AttemptOutcome;
}

/** The facts of a node that succeeded; otherwise throws what it failed with. */
export function factsOf(outcome: AttemptOutcome, node?: string): NodeResult['facts'] {
  if (outcome.kind === 'failed') throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  if (outcome.kind === 'stopped') throw new Error('stopped');
  const result = node === undefined ? [...outcome.results.values()].at(-1) : outcome.results.get(node);
  if (result === undefined) throw new Error('no result');
  return result.facts;
}

export interface ExtractRigSettings {
  readonly memoryBytes: number;
  readonly threads: number;
  readonly connections: number;
}

/** A rig on a source and a sink database, with a lake in a temporary folder that `close` removes. */
export async function nodeRig(
  urls: { readonly source: string; readonly sink?: string },
  extract: Partial<ExtractRigSettings> = {},
): Promise<NodeRig> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-nodes-'));
  const store = createMemoryStore(systemClock);
  const types = new Map<string, NodeType>(postgres.nodes.map((n) => [n.type, n]));
  const extractSettings = { memoryBytes: 256 * 1024 * 1024, threads: 2, connections: 2, extensionFolder: null, ...extract };
  const scope: ConnectionScope = { root: folder, clock: systemClock, engine: 'test', log: () => undefined };
  const lakeLink = file.open('lake', { path: join(folder, 'lake') }, scope);
  if (lakeLink.lake === undefined) throw new Error('the file connector has no lake');
  const lake = lakeLink.lake;
  let runs = 0;

  const runAlone = async (
    options: RunOptions,
    body: (
      attempt: (nodes: readonly { id: string; type: string; table: string; options: JsonObject }[]) => Promise<AttemptOutcome>,
    ) => Promise<void>,
  ): Promise<void> => {
    const links: Record<string, Connection> = {
      source: postgres.open(
        'source',
        { url: options.sourceUrl ?? urls.source, extract: extractSettings, maskSalt: options.maskSalt ?? null },
        scope,
      ),
      sink: postgres.open('sink', { url: urls.sink ?? urls.source, schema: 'staging', extract: extractSettings }, scope),
      lake: lakeLink,
    };
    runs += 1;
    const runId = `RUN${String(runs).padStart(4, '0')}`;
    const leases = createRunLeases(store, { runId, host: hostname(), pid: process.pid });
    const emit = (event: EventBody): void => {
      options.onEvent?.(event);
    };
    try {
      await body(async (nodes) =>
        attemptUnit(
          {
            runId,
            root: folder,
            clock: options.clock ?? systemClock,
            leases,
            nodeTypes: types,
            timeoutMs: undefined,
            signal: options.signal ?? new AbortController().signal,
            connection<R extends keyof Roles>(name: string, role: R): Roles[R] {
              const found = links[name]?.[role];
              if (found === undefined) throw new Error(`no ${role} named ${name}`);
              return found as Roles[R];
            },
            emit,
            history: () => undefined,
          },
          nodes.map((n) => ({
            ...n,
            unit: 'unit',
            needs: [],
            plan: { action: 'run', summary: '', details: [], warnings: [], moves: true, sql: [], pins: {} },
          })),
          1,
        ),
      );
    } finally {
      await leases.releaseAll(() => undefined);
      await links.source?.close();
      await links.sink?.close();
    }
  };

  return {
    folder,
    lake,
    store,
    async extract(mode, tables, options = {}) {
      const done: Extracted[] = [];
      const group = tables.map((t) => lakeFolder(t.name));
      await runAlone(options, async (attempt) => {
        const outcomes = await Promise.all(
          tables.map((table) =>
            attempt([
              {
                id: `extract ${table.name}`,
                type: 'postgres.extract',
                table: table.name,
                options: JSON.parse(
                  JSON.stringify({ source: 'source', lake: 'lake', folder: lakeFolder(table.name), mode, table, group }),
                ) as JsonObject,
              },
            ]),
          ),
        );
        tables.forEach((table, i) => {
          const outcome = outcomes[i];
          if (outcome !== undefined) done.push({ table: table.name, outcome });
        });
      });
      return done;
    },
    async planExtract(mode, table, options = {}) {
      const node = types.get('postgres.extract');
      if (node === undefined) throw new Error('no node extracts');
      const folder = lakeFolder(table.name);
      const given = JSON.parse(JSON.stringify({ source: 'source', lake: 'lake', folder, mode, table, group: [folder] })) as JsonObject;
      const source = postgres.open(
        'source',
        { url: options.sourceUrl ?? urls.source, extract: extractSettings, maskSalt: options.maskSalt ?? null },
        scope,
      );
      const links: Record<string, Connection> = { source, lake: lakeLink };
      try {
        const surveyed = await node.survey(
          {
            clock: options.clock ?? systemClock,
            signal: new AbortController().signal,
            connection<R extends keyof Roles>(name: string, role: R): Roles[R] {
              const found = links[name]?.[role];
              if (found === undefined) throw new Error(`no ${role} named ${name}`);
              return found as Roles[R];
            },
          },
          given,
        );
        return node.describe(given, surveyed, new Map());
      } finally {
        await source.close();
      }
    },
    async load(mode, table, options = {}) {
      let outcome: AttemptOutcome | undefined;
      const node = (type: string) => ({
        id: `${type} ${table.name}`,
        type: `postgres.${type}`,
        table: table.name,
        options: {
          table: table.name,
          folder: lakeFolder(table.name),
          lake: 'lake',
          sink: 'sink',
          into: { schema: table.into.schema, name: table.into.name },
          load: table.load,
          mode,
        },
      });
      await runAlone(options, async (attempt) => {
        outcome = await attempt(mode === 'full' ? [node('truncate'), node('load')] : [node('load')]);
      });
      if (outcome === undefined) throw new Error('nothing ran');
      return outcome;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
