import type { Config, PipelineConfig, TableConfig } from '../../engine/config.ts';
import type { CatalogTable } from '../../engine/connector.ts';

const settings: Config['tableDefaults'] = {
  source: 'production',
  sink: 'warehouse',
  key: undefined,
  cursor: 'updated_at',
  cursorTimezone: undefined,
  lookbackMs: undefined,
  lookbackUnits: undefined,
  maxHoldMs: 3_600_000,
  nullCursor: 'include',
  columns: { include: undefined, exclude: [], rename: {}, types: {}, mask: {} },
  where: undefined,
  lake: { compression: 'zstd', targetFileSizeBytes: 128_000_000 },
  load: 'merge',
};

/** A table as the configuration would declare it: public.<name> of production into staging.<name> of warehouse. */
export function tableOf(name: string, over: Partial<TableConfig> = {}): TableConfig {
  const relation = { schema: 'public', name };
  return { ...settings, name, relation, source: 'production', sink: 'warehouse', into: { schema: 'staging', name }, key: ['id'], ...over };
}

/** A pipeline of these tables, incremental and without dbt or schedule. */
export function pipelineOf(name: string, tables: readonly string[], over: Partial<PipelineConfig> = {}): PipelineConfig {
  return {
    name,
    mode: 'incremental',
    tables,
    exclude: [],
    dbt: [],
    schedules: [],
    overlap: 'skip',
    catchup: 'latest',
    resume: true,
    paused: false,
    retries: { attempts: 3, delayMs: 5000, factor: 2, maxDelayMs: 300_000 },
    timeoutMs: undefined,
    concurrency: 4,
    tags: [],
    alerts: { lateAfterMs: undefined, freshnessMs: undefined, heldForMs: 'maxHold', to: [] },
    ...over,
  };
}

/** A configuration of one source, one sink, a lake in a folder and a dbt project, all under `/project`. */
export function configOf(tables: readonly TableConfig[], pipelines: readonly PipelineConfig[], over: Partial<Config> = {}): Config {
  return {
    file: '/project/pipelines.yaml',
    root: '/project',
    sources: { production: { name: 'production', type: 'postgres', url: 'embedded' } },
    lake: { type: 'file', path: '/project/.engine/lake' },
    sinks: { warehouse: { name: 'warehouse', type: 'postgres', url: 'embedded', schema: 'staging' } },
    state: { type: 'memory' },
    dbt: { project: '/project/dbt', sink: 'warehouse', command: undefined },
    extract: { memoryBytes: 256_000_000, threads: 2, connections: 2, extensionFolder: undefined },
    masking: { salt: undefined },
    daemon: {
      maxConcurrentRuns: 4,
      shutdownTimeoutMs: 60_000,
      log: 'text',
      logLevel: 'info',
      listen: undefined,
      hosts: [],
      requireToken: false,
      tls: undefined,
      links: [],
    },
    alerts: { channels: {}, off: [], heartbeat: undefined },
    tables: Object.fromEntries(tables.map((table) => [table.name, table])),
    tableDefaults: settings,
    pipelines: Object.fromEntries(pipelines.map((pipeline) => [pipeline.name, pipeline])),
    ...over,
  };
}

/** A relation of a catalog: key `id`, columns `id` and `updated_at`. */
export function relationOf(schema: string, name: string, over: Partial<CatalogTable> = {}): CatalogTable {
  return {
    schema,
    name,
    kind: 'table',
    primaryKey: ['id'],
    columns: [
      { name: 'id', type: 'bigint', notNull: true },
      { name: 'updated_at', type: 'timestamp with time zone', notNull: true },
    ],
    rowsEstimate: 10,
    ...over,
  };
}
