import type { Connector } from '../engine/connector.ts';

/** A kind of system by its `type`; `load` brings its code and drivers, which nothing else loads. Each module exports its `Connector` as `connector`. */
export interface ConnectorEntry {
  readonly type: string;
  load(): Promise<Connector>;
}

/** Every connector there is. A new one is one line here. */
export const connectors: readonly ConnectorEntry[] = [
  { type: 'postgres', load: async () => (await import('./postgres/index.ts')).connector },
  { type: 'file', load: async () => (await import('./file/index.ts')).connector },
  { type: 's3', load: async () => (await import('./s3/index.ts')).connector },
  { type: 'dbt', load: async () => (await import('./dbt/index.ts')).connector },
];
