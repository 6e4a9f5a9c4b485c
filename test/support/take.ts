import type { TableConfig } from '../../engine/config.ts';
import type { ErrorData } from '../../engine/error.ts';
import type { NodeResult } from '../../engine/event.ts';
import { factsOf, type NodeRig, type RunOptions } from './nodes.ts';

/** What one extract of one table left: the node's facts, and what it warned of. */
export interface Taken {
  readonly facts: NodeResult['facts'];
  readonly warnings: readonly string[];
}

/** Extracts one table in a run of its own; throws when it fails. */
export async function take(
  rig: NodeRig,
  table: TableConfig,
  mode: 'full' | 'incremental' = 'incremental',
  options: RunOptions = {},
): Promise<Taken> {
  const warnings: string[] = [];
  const [one] = await rig.extract(mode, [table], {
    ...options,
    onEvent: (event) => {
      if (event.type === 'log' && event.level === 'warn') warnings.push(event.text);
      options.onEvent?.(event);
    },
  });
  if (one === undefined) throw new Error('nothing was extracted');
  return { facts: factsOf(one.outcome), warnings };
}

/** The error that an extract of one table fails with; throws when it does not fail. */
export async function failureOf(
  rig: NodeRig,
  table: TableConfig,
  mode: 'full' | 'incremental' = 'incremental',
  options: RunOptions = {},
): Promise<ErrorData> {
  const [one] = await rig.extract(mode, [table], options);
  if (one?.outcome.kind !== 'failed') throw new Error(`it did not fail: ${one?.outcome.kind}`);
  return one.outcome.error;
}
