import type { RunLink } from '../api-run.ts';
import { fillLink, type LinkFields } from '../base/link.ts';
import { traceIdOf, uuidOf } from '../base/ulid.ts';
import type { DaemonConfig } from '../config.ts';
import type { Run } from '../run.ts';

/** The pages of other programs about a run, as `daemon: { links }` has them. A run at work ends now. */
export function runLinks(run: Run, { links }: Pick<DaemonConfig, 'links'>, nowMs: number): readonly RunLink[] {
  const fields: LinkFields = {
    runId: run.runId,
    traceId: traceIdOf(run.runId),
    lineageRunId: uuidOf(run.runId),
    pipeline: run.pipeline,
    startedMs: String(Date.parse(run.startedAt)),
    endedMs: String(run.endedAt === undefined ? nowMs : Date.parse(run.endedAt)),
  };
  return links.map(({ name, url }) => ({ name, url: fillLink(url, fields) }));
}
