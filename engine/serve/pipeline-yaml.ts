import type { PipelineYaml } from '../api-pipeline.ts';
import type { Config, PipelineConfig } from '../config.ts';
import { type Declaration, declarationOf } from '../load/declaration.ts';
import type { ServerParts } from './parts.ts';
import { declaredNodes, pipelineGraph } from './pipeline-graph.ts';

/** By the pipeline as a configuration in force has it; `tables`: whose lines are in it. */
const known = new WeakMap<PipelineConfig, { readonly tables: string; readonly declaration: Declaration }>();

/** What declares a pipeline, at its lines. */
export async function pipelineYaml(parts: ServerParts, config: Config, pipeline: PipelineConfig): Promise<PipelineYaml> {
  const { yaml, newer } = parts.configText();
  const tables = await tablesOf(parts, config, pipeline);
  const before = known.get(pipeline);
  const declaration = before?.tables === tables.join('\n') ? before.declaration : await declarationOf(yaml, config, pipeline, tables);
  known.set(pipeline, { tables: tables.join('\n'), declaration });
  return { file: config.file, lines: declaration.lines, parts: declaration.parts, newer };
}

/** A pattern is answered by the newest run. */
async function tablesOf(parts: ServerParts, config: Config, pipeline: PipelineConfig): Promise<readonly string[]> {
  if (declaredNodes(config, pipeline).patterns.length === 0) return pipeline.tables;
  const { nodes } = await pipelineGraph(parts, config, pipeline);
  return [...new Set(nodes.flatMap(({ table }) => table ?? []))];
}
