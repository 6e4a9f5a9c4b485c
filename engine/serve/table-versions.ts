import type { Lake } from '../../lake/lake.ts';
import { type LogVersion, logVersion, logVersions } from '../../lake/versions.ts';
import type { LakeVersion, VersionPage, VersionsPage } from '../api-table.ts';
import { lakeFolder } from '../base/lake-folder.ts';
import { Refusal } from './errors.ts';

/** Of a version with many files so many are told. */
const filesShown = 1_000;

/** A page of a table's versions, the newest first. */
export async function versionsPage(
  lake: Lake,
  table: string,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
): Promise<VersionsPage> {
  const found = await logVersions(lake, lakeFolder(table), { before, limit });
  const last = found.at(-1)?.version;
  return { versions: found.map(lakeVersion), next: found.length < limit || last === undefined || last === 0 ? undefined : last };
}

/** One version with its files; 404 where the log does not have it. */
export async function versionPage(lake: Lake, table: string, version: number): Promise<VersionPage> {
  const found = await logVersion(lake, lakeFolder(table), version);
  if (found === undefined)
    throw new Refusal(
      404,
      'lake.no-version',
      `there is no version ${version} of ${table} in the lake's log`,
      'The first extract makes version 0, and each later one that finds something the next; another program may have cleaned old ones up.',
    );
  return {
    version: lakeVersion(found),
    folder: lakeFolder(table),
    changes: found.changes.slice(0, filesShown),
    count: found.changes.length,
  };
}

function lakeVersion({ version, timestamp, operation, rows, files, bytes, removed, commit }: LogVersion): LakeVersion {
  const at = new Date(timestamp);
  return {
    version,
    // Others write into a log too, and not every number is a time.
    at: (Number.isNaN(at.getTime()) ? new Date(0) : at).toISOString(),
    operation,
    rows,
    files,
    bytes,
    removed,
    by:
      commit === undefined
        ? undefined
        : { runId: commit.run, node: commit.node, mode: commit.mode, from: commit.low ?? undefined, fence: commit.fence ?? undefined },
  };
}
