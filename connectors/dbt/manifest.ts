import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { record } from './log.ts';

/** What `manifest.json` says of the project's models, tests, seeds, snapshots and sources, by their unique ids. */
export interface Manifest {
  node(uniqueId: string): ManifestNode | undefined;
  /** Why it says nothing. */
  readonly missing: string | undefined;
}

export interface ManifestNode {
  /** `schema.name` of what it is in the warehouse; undefined for what is nothing there (an ephemeral model, a test). */
  readonly relation: string | undefined;
  readonly dependsOn: readonly string[];
  /** The file in the project that declares it. */
  readonly path: string | undefined;
}

/** A larger one is left alone: as data it takes several times its size of memory. */
const mostBytes = 64 * 1024 * 1024;

/** Reads `manifest.json` of a target folder that this invocation alone has. One that is not there, torn, too large or another invocation's says nothing, and why. */
export async function readManifest(targetPath: string, invocationId: string | undefined): Promise<Manifest> {
  const file = join(targetPath, 'manifest.json');
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) return nothing('dbt left no manifest.json');
  if (size > mostBytes)
    return nothing(`manifest.json has ${Math.round(size / 1024 / 1024)} MB, above the ${mostBytes / 1024 / 1024} MB that are read`);
  let parsed: Readonly<Record<string, unknown>> | undefined;
  try {
    parsed = record(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return nothing('manifest.json is torn');
  }
  if (invocationId !== undefined && record(parsed?.metadata)?.invocation_id !== invocationId)
    return nothing('manifest.json is of another invocation');
  const nodes = record(parsed?.nodes);
  const sources = record(parsed?.sources);
  const unitTests = record(parsed?.unit_tests);
  return {
    missing: undefined,
    node(uniqueId) {
      const node = record(nodes?.[uniqueId] ?? sources?.[uniqueId] ?? unitTests?.[uniqueId]);
      return node === undefined ? undefined : toNode(node);
    },
  };
}

function nothing(missing: string): Manifest {
  return { node: () => undefined, missing };
}

function toNode(node: Readonly<Record<string, unknown>>): ManifestNode {
  const parents = record(node.depends_on)?.nodes;
  // Of a source it is the identifier, of a model the alias; what dbt has no relation for has no `relation_name`.
  const name = node.resource_type === 'source' ? node.identifier : node.alias;
  const stands = typeof node.relation_name === 'string' && node.resource_type !== 'test';
  return {
    relation: stands && typeof node.schema === 'string' && typeof name === 'string' ? `${node.schema}.${name}` : undefined,
    dependsOn: Array.isArray(parents) ? parents.filter((id) => typeof id === 'string') : [],
    path: typeof node.original_file_path === 'string' ? node.original_file_path : undefined,
  };
}

/** What a node reads in the warehouse, `schema.name` each, in order of their names: its parents, and the parents of those that are nothing there. */
export function relationsRead(manifest: Manifest, uniqueId: string): readonly string[] {
  const found = new Set<string>();
  const seen = new Set([uniqueId]);
  const ahead = [...(manifest.node(uniqueId)?.dependsOn ?? [])];
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const parent = manifest.node(id);
    if (parent?.relation !== undefined) found.add(parent.relation);
    else ahead.push(...(parent?.dependsOn ?? []));
  }
  return [...found].sort();
}
