import { dirname } from 'node:path';
import type { Config } from '../config.ts';
import { readAlerts } from './channels.ts';
import { readDbt, readExtract, readLake, readSinks, readSources, readState } from './connections.ts';
import type { Findings } from './findings.ts';
import { readMasking } from './masking.ts';
import { readDaemon, readPipelines } from './pipelines.ts';
import type { RawConfig } from './raw.ts';
import { readTableDefaults, readTables } from './tables.ts';

/** Puts the defaults in, turns times and sizes into numbers, and checks what a schema cannot: names, contradictions, schedules. The result is to be used only when there are no findings. */
export function enrich(raw: RawConfig, file: string, findings: Findings): Config {
  const root = dirname(file);
  const sources = readSources(raw, findings);
  const sinks = readSinks(raw, findings);
  const connected = { sources, sinks };
  const tables = readTables(raw, connected, findings);
  const tableDefaults = readTableDefaults(raw, connected, findings);
  return {
    file,
    root,
    sources,
    lake: readLake(raw, root, findings),
    sinks,
    state: readState(raw, sinks, findings),
    dbt: readDbt(raw, Object.keys(sinks), root, findings),
    extract: readExtract(raw, root, findings),
    masking: readMasking(raw, findings),
    daemon: readDaemon(raw, root, findings),
    alerts: readAlerts(raw, findings),
    tables,
    tableDefaults,
    pipelines: readPipelines(raw, { tables, tableDefaults }, findings),
  };
}
