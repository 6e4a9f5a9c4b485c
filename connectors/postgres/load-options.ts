import type { JsonObject } from '../../engine/base/json.ts';
import type { Relation } from '../../engine/config.ts';

/** Options of the nodes `postgres.truncate` and `postgres.load`. */
export interface LoadOptions {
  /** Name of the table in the configuration. */
  readonly table: string;
  /** Its folder in the lake. */
  readonly folder: string;
  /** Connection names. */
  readonly lake: string;
  readonly sink: string;
  readonly into: Relation;
  readonly load: 'merge' | 'append';
  readonly mode: 'full' | 'incremental';
  /** Every single wait for a lock; readers that come behind wait no longer than that. */
  readonly lockTimeoutMs: number;
  /** All waits for one lock together, the pauses between them included. */
  readonly lockWaitMs: number;
}

/** A node's options with their defaults. Throws a RangeError on options that no graph makes. */
export function loadOptions(options: JsonObject): LoadOptions {
  const into = options.into;
  if (typeof into !== 'object' || into === null || Array.isArray(into)) throw new RangeError('option into is not a relation');
  const { schema, name } = into as JsonObject;
  return {
    table: text(options, 'table'),
    folder: text(options, 'folder'),
    lake: text(options, 'lake'),
    sink: text(options, 'sink'),
    into: { schema: text({ schema: schema ?? null }, 'schema'), name: text({ name: name ?? null }, 'name') },
    load: options.load === 'append' ? 'append' : 'merge',
    mode: options.mode === 'full' ? 'full' : 'incremental',
    lockTimeoutMs: number(options, 'lockTimeoutMs', 2_000),
    lockWaitMs: number(options, 'lockWaitMs', 120_000),
  };
}

function text(options: JsonObject, name: string): string {
  const value = options[name];
  if (typeof value !== 'string' || value === '') throw new RangeError(`option ${name} is missing`);
  return value;
}

function number(options: JsonObject, name: string, otherwise: number): number {
  const value = options[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
