import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { DbtResult } from '../../engine/event.ts';
import { record } from './log.ts';

/** What `run_results.json` says, when it is this invocation's. */
export type RunResults =
  | { readonly believed: true; readonly results: readonly DbtResult[] }
  | { readonly believed: false; readonly why: string };

const statuses: readonly DbtResult['status'][] = ['success', 'pass', 'warn', 'error', 'fail', 'skipped', 'partial success', 'no-op'];

/** Reads `run_results.json` of a target folder that this invocation alone has; another invocation's id in it, no file or a torn one: not believed. */
export async function readRunResults(targetPath: string, invocationId: string | undefined): Promise<RunResults> {
  const text = await readFile(join(targetPath, 'run_results.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { believed: false, why: 'dbt left no run_results.json' };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { believed: false, why: 'run_results.json is torn' };
  }
  const wrote = record(record(parsed)?.metadata)?.invocation_id;
  if (invocationId !== undefined && wrote !== invocationId) return { believed: false, why: 'run_results.json is of another invocation' };
  const results = record(parsed)?.results;
  if (!Array.isArray(results)) return { believed: false, why: 'run_results.json has no results' };
  return { believed: true, results: results.flatMap((result) => toResult(record(result)) ?? []) };
}

function toResult(result: Readonly<Record<string, unknown>> | undefined): DbtResult | undefined {
  if (result === undefined || typeof result.unique_id !== 'string') return undefined;
  const status = statuses.find((known) => known === result.status) ?? 'error';
  const rows = record(result.adapter_response)?.rows_affected;
  const message = typeof result.message === 'string' ? stripVTControlCharacters(result.message).trim() : '';
  return {
    uniqueId: result.unique_id,
    kind: kindOf(result.unique_id),
    name: nameOf(result.unique_id),
    status,
    durationMs: typeof result.execution_time === 'number' ? Math.round(result.execution_time * 1000) : 0,
    ...(message === '' ? {} : { message }),
    ...(typeof rows === 'number' && rows >= 0 && kindOf(result.unique_id) !== 'test' ? { rows } : {}),
  };
}

/** `model`, `test`, `unit_test`, `seed`, `snapshot`. */
export function kindOf(uniqueId: string): string {
  return uniqueId.split('.')[0] ?? uniqueId;
}

/** The name that a selector takes: `model.shop.users` is `users`, `test.shop.unique_users_id.4dd9` is `unique_users_id`, `model.shop.users.v2` is `users.v2`. */
export function nameOf(uniqueId: string): string {
  const [kind, , ...rest] = uniqueId.split('.');
  if (rest.length === 0) return uniqueId;
  if (kind === 'unit_test') return rest.at(-1) ?? uniqueId;
  const generic = kind === 'test' && rest.length > 1 && /^[0-9a-f]{10}$/.test(rest.at(-1) ?? '');
  return (generic ? rest.slice(0, -1) : rest).join('.');
}
