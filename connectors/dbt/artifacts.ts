import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { DbtResult } from '../../engine/event.ts';
import { record } from './log.ts';
import { type Manifest, readManifest, relationsRead } from './manifest.ts';

/** What `run_results.json` says, when it is this invocation's. */
export type RunResults =
  | {
      readonly believed: true;
      readonly results: readonly DbtResult[];
      /** Why parents, relations and files are not among them. */
      readonly withoutManifest: string | undefined;
    }
  | { readonly believed: false; readonly why: string };

const statuses: readonly DbtResult['status'][] = ['success', 'pass', 'warn', 'error', 'fail', 'skipped', 'partial success', 'no-op'];

/** Of one compiled statement, and of all of one invocation together, in characters. */
export const mostSql = { each: 64 * 1024, together: 4 * 1024 * 1024 } as const;
const mostParents = 200;

/** Reads `run_results.json`, and beside it `manifest.json`, of a target folder that this invocation alone has; another invocation's id in it, no file or a torn one: not believed. */
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
  const manifest = await readManifest(targetPath, invocationId);
  const read = results.map(record);
  const sql = statements(read);
  return {
    believed: true,
    results: read.flatMap((result) => toResult(result, manifest, sql) ?? []),
    withoutManifest: manifest.missing,
  };
}

type Raw = Readonly<Record<string, unknown>> | undefined;

/** The compiled SQL by unique id, within its bounds; what went wrong comes first, since that is what is looked at. */
function statements(results: readonly Raw[]): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  let left: number = mostSql.together;
  const bad = (result: Raw): number => (asksForAttention(statusOf(result?.status)) ? 0 : 1);
  for (const result of [...results].sort((a, b) => bad(a) - bad(b))) {
    const code = typeof result?.compiled_code === 'string' ? result.compiled_code.trim() : '';
    if (code === '' || typeof result?.unique_id !== 'string') continue;
    const room = Math.min(mostSql.each, left);
    const cut = `\n-- cut here: ${code.length} characters in all; dbt compile shows the rest`;
    const text = code.length <= room ? code : `${code.slice(0, room)}${cut}`;
    left = Math.max(0, left - text.length);
    kept.set(result.unique_id, text.trim());
  }
  return kept;
}

function statusOf(status: unknown): DbtResult['status'] {
  return statuses.find((known) => known === status) ?? 'error';
}

function asksForAttention(status: DbtResult['status']): boolean {
  return status === 'error' || status === 'fail' || status === 'partial success' || status === 'warn';
}

function toResult(result: Raw, manifest: Manifest, sql: ReadonlyMap<string, string>): DbtResult | undefined {
  if (result === undefined || typeof result.unique_id !== 'string') return undefined;
  const id = result.unique_id;
  const { failures } = result;
  const rows = record(result.adapter_response)?.rows_affected;
  const message = typeof result.message === 'string' ? stripVTControlCharacters(result.message).trim() : '';
  const node = manifest.node(id);
  const reads = relationsRead(manifest, id);
  const compiledSql = sql.get(id);
  const startedAt = startOf(result.timing);
  return {
    uniqueId: id,
    kind: kindOf(id),
    name: nameOf(id),
    status: statusOf(result.status),
    durationMs: typeof result.execution_time === 'number' ? Math.round(result.execution_time * 1000) : 0,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(message === '' ? {} : { message }),
    ...(typeof rows === 'number' && rows >= 0 && kindOf(id) !== 'test' ? { rows } : {}),
    ...(typeof failures === 'number' ? { failures } : {}),
    ...(node?.relation === undefined ? {} : { relation: node.relation }),
    ...(node === undefined ? {} : { dependsOn: node.dependsOn.slice(0, mostParents) }),
    ...(reads.length === 0 ? {} : { reads: reads.slice(0, mostParents) }),
    ...(node?.path === undefined ? {} : { path: node.path }),
    ...(compiledSql === undefined ? {} : { compiledSql }),
  };
}

/** The earliest of the times at which its parts (compile, execute) began; dbt leaves the zone out of some, and means UTC. */
function startOf(timing: unknown): string | undefined {
  const begins = (Array.isArray(timing) ? timing : []).flatMap((part) => {
    const text = record(part)?.started_at;
    const at = typeof text === 'string' ? Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`) : Number.NaN;
    return Number.isNaN(at) ? [] : [at];
  });
  return begins.length === 0 ? undefined : new Date(Math.min(...begins)).toISOString();
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
