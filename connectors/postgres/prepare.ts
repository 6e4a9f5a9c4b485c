import type { JsonObject } from '../../engine/base/json.ts';
import type { Prepared, PrepareScope } from '../../engine/connector.ts';
import { findPostgresExtension } from './extension.ts';

/** DuckDB's postgres extension, for each folder that the links name (or none). */
export async function prepare(settings: readonly JsonObject[] | undefined, scope: PrepareScope): Promise<readonly Prepared[]> {
  const folders = new Set(settings?.map(folderOf) ?? [undefined]);
  const paths = new Set<string>();
  for (const folder of folders) paths.add(await findPostgresExtension({ folder, log: scope.log, signal: scope.signal }));
  return [...paths].map((path) => ({ what: "DuckDB's postgres extension", path }));
}

function folderOf(settings: JsonObject): string | undefined {
  const { extract } = settings;
  const folder = typeof extract === 'object' && extract !== null && 'extensionFolder' in extract ? extract.extensionFolder : undefined;
  return typeof folder === 'string' ? folder : undefined;
}
