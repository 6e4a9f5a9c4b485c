/** What an address shows. */
export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'runs' }
  | { readonly page: 'run'; readonly runId: string }
  | { readonly page: 'pipeline'; readonly pipeline: string }
  | { readonly page: 'tables' }
  | { readonly page: 'table'; readonly table: string }
  | { readonly page: 'schedule' }
  | { readonly page: 'audit' }
  | { readonly page: 'settings' }
  | { readonly page: 'unknown' };

/** The page of a path. What stands in it is text, whatever it holds. */
export function routeOf(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second, ...rest] = parts.map(decoded);
  if (first === undefined) return { page: 'overview' };
  if (rest.length > 0) return { page: 'unknown' };
  if (first === 'runs') return second === undefined ? { page: 'runs' } : { page: 'run', runId: second };
  if (first === 'tables') return second === undefined ? { page: 'tables' } : { page: 'table', table: second };
  if ((first === 'schedule' || first === 'audit' || first === 'settings') && second === undefined) return { page: first };
  if (first === 'pipelines' && second !== undefined) return { page: 'pipeline', pipeline: second };
  return { page: 'unknown' };
}

/** The address of a run; with a node, of its lines in the log. */
export function runPath(runId: string, node?: string): string {
  return `/runs/${encodeURIComponent(runId)}${node === undefined ? '' : `?node=${encodeURIComponent(node)}`}`;
}

/** The address of runs of a pipeline; with a state, of those only. */
export function runsPath(filter: { readonly pipeline: string; readonly state?: string }): string {
  return `/runs?${new URLSearchParams({ ...filter }).toString()}`;
}

export function pipelinePath(pipeline: string): string {
  return `/pipelines/${named(pipeline)}`;
}

/** The address of a table; with a version, of that one's files in the lake. */
export function tablePath(table: string, version?: number): string {
  return `/tables/${named(table)}${version === undefined ? '' : `?version=${version}`}`;
}

function named(name: string): string {
  // With a dot it would look like a file to the server.
  return encodeURIComponent(name).replaceAll('.', '%2E');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
