import { suggest } from '../base/suggest.ts';
import type { PipelineConfig } from '../config.ts';
import type { RunRecord } from '../run.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';

/** The pipeline of that name in the configuration in force; 404 for none. */
export async function knownPipeline(parts: ServerParts, name: string): Promise<PipelineConfig> {
  const { pipelines } = await parts.config();
  const pipeline = Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
  if (pipeline !== undefined) return pipeline;
  const near = suggest(name, Object.keys(pipelines));
  throw new Refusal(404, 'pipeline.unknown', `there is no pipeline ${name}`, near === undefined ? undefined : `Did you mean ${near}?`);
}

/** The run of that id; 404 for none. */
export async function knownRun(parts: ServerParts, runId: string): Promise<RunRecord> {
  const record = await parts.store.run(runId);
  if (record !== undefined) return record;
  throw new Refusal(404, 'run.unknown', `there is no run ${runId}`, 'Old runs are removed after a while.');
}
