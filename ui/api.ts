import type { ApiError } from '../engine/api.ts';
import { type PlanWish, wishQuery } from './plan-wish.ts';

/** Where the daemon that served this page answers. */
const base = '/api/v1';

/** Addresses of the API, below its base. */
export const paths = {
  overview: '/overview',
  connections: '/connections',
  search: (q: string) => `/search${queryText({ q })}`,
  stream: '/stream',
  session: '/session',
  pipeline: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}`,
  graph: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}/graph`,
  grid: (pipeline: string, before: string | undefined) => `/pipelines/${encodeURIComponent(pipeline)}/grid${queryText({ before })}`,
  yaml: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}/yaml`,
  plan: (pipeline: string, wish: PlanWish) => {
    const query = wishQuery(wish);
    return `/pipelines/${encodeURIComponent(pipeline)}/plan${query === '' ? '' : `?${query}`}`;
  },
  trigger: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}/runs`,
  pause: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}/pause`,
  resume: (pipeline: string) => `/pipelines/${encodeURIComponent(pipeline)}/resume`,
  tables: '/tables',
  table: (table: string) => `/tables/${encodeURIComponent(table)}`,
  tableLive: (table: string) => `/tables/${encodeURIComponent(table)}/live`,
  tableLoads: (table: string) => `/tables/${encodeURIComponent(table)}/loads`,
  tableVersions: (table: string, query: Readonly<Record<string, string | undefined>>) =>
    `/tables/${encodeURIComponent(table)}/versions${queryText(query)}`,
  tableVersion: (table: string, version: number) => `/tables/${encodeURIComponent(table)}/versions/${version}`,
  tablePreview: (table: string) => `/tables/${encodeURIComponent(table)}/preview`,
  runs: (query: Readonly<Record<string, string | undefined>>) => `/runs${queryText(query)}`,
  actions: (query: Readonly<Record<string, string | undefined>>) => `/actions${queryText(query)}`,
  incidents: (query: Readonly<Record<string, string | undefined>>) => `/incidents${queryText(query)}`,
  settings: '/settings',
  config: '/config',
  doctor: '/doctor',
  testChannel: (channel: string) => `/alerts/${encodeURIComponent(channel)}/test`,
  token: (name: string) => `/tokens/${encodeURIComponent(name)}`,
  schedule: (query: Readonly<Record<string, string>>) => `/schedule${queryText(query)}`,
  fires: (pipeline: string, from: string, to: string) => `/schedule/fires${queryText({ pipeline, from, to })}`,
  run: (runId: string) => `/runs/${encodeURIComponent(runId)}`,
  runStream: (runId: string, after: number) => `/runs/${encodeURIComponent(runId)}/stream?after=${after}`,
  runLog: (runId: string, after: number, limit: number) => `/runs/${encodeURIComponent(runId)}/log?after=${after}&limit=${limit}`,
  runLogText: (runId: string, query: Readonly<Record<string, string | undefined>>) =>
    `/runs/${encodeURIComponent(runId)}/log.txt${queryText(query)}`,
  runPlan: (runId: string) => `/runs/${encodeURIComponent(runId)}/plan`,
  runDbt: (runId: string, node: string, id: string) => `/runs/${encodeURIComponent(runId)}/dbt${queryText({ node, id })}`,
  retry: (runId: string) => `/runs/${encodeURIComponent(runId)}/retry`,
  queueEntry: (id: number) => `/queue/${id}`,
  cancel: (runId: string) => `/runs/${encodeURIComponent(runId)}/cancel`,
} as const;

/** The address of a path, for links and streams. */
export function address(path: string): string {
  return base + path;
}

/** An answer that is none: the daemon refused (`status` of HTTP), or could not be reached (`status` 0). */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Whoever asks may stop asking, or have more patience than a minute. */
export interface Asking {
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
}

/** What a GET answers within a minute; throws ApiFailure, and the signal's own reason once that is given. */
export async function get<T>(path: string, { signal, patienceMs = 60_000 }: Asking = {}): Promise<T> {
  // `AbortSignal.timeout` would hold on to each answer for that minute, long after it was read.
  const late = new AbortController();
  const tooLate = new ApiFailure(
    504,
    'page.late',
    `the daemon did not answer within ${patienceMs / 1_000} s`,
    'It may have much to do. It is asked again by itself.',
  );
  const timer = window.setTimeout(() => late.abort(tooLate), patienceMs);
  const gone = (): void => late.abort(signal?.reason);
  if (signal?.aborted === true) gone();
  signal?.addEventListener('abort', gone);
  try {
    return await ask<T>(path, { signal: late.signal });
  } catch (error) {
    // What a body says that was being read then is the browser's own.
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    window.clearTimeout(timer);
    signal?.removeEventListener('abort', gone);
  }
}

/** What a POST answers; throws ApiFailure. */
export function post<T>(path: string, body: object = {}): Promise<T> {
  return ask<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** Ends something; throws ApiFailure. */
export function remove<T>(path: string): Promise<T> {
  return ask<T>(path, { method: 'DELETE' });
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(address(path), { ...init, credentials: 'same-origin', cache: 'no-store' });
    // A daemon that ends breaks off in the middle of an answer too.
    text = await response.text();
  } catch {
    throw new ApiFailure(0, 'page.unreachable', 'the daemon cannot be reached', 'It may be restarting. Is `engine daemon` at work?');
  }
  const body = parsed(text);
  if (!response.ok) {
    const told = isApiError(body) ? body.error : undefined;
    throw new ApiFailure(response.status, told?.code ?? 'page.http', told?.message ?? `the daemon answered ${response.status}`, told?.hint);
  }
  return body as T;
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new ApiFailure(502, 'page.no-json', 'the answer is not JSON', 'Does another server stand between this page and the daemon?');
    throw error;
  }
}

function isApiError(body: unknown): body is ApiError {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    typeof body.error === 'object' &&
    body.error !== null &&
    'message' in body.error
  );
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
