import { integer, list, nodeStates, number, object, ref, text, texts, time } from './schema-words.ts';

/** Schemas of what `engine/api-pipeline.ts` says. */
export const pipelineSchemas: Readonly<Record<string, object>> = {
  NodeBrief: object({ state: { enum: nodeStates }, startedAt: time, tookMs: number, attempts: integer, rows: number, keptFrom: text }, [
    'state',
    'attempts',
  ]),
  GraphNodeView: object({ id: text, type: text, table: text, needs: texts, last: ref('NodeBrief') }, ['id', 'type', 'needs']),
  PipelineGraph: object({ nodes: list(ref('GraphNodeView')), run: ref('RunRecord'), patterns: texts }, ['nodes', 'patterns']),
  GridCell: object({ state: { enum: nodeStates }, tookMs: number, rows: number, attempts: integer, keptFrom: text }, ['state']),
  GridNode: object({ id: text, table: text, gone: { type: 'boolean' } }, ['id', 'gone']),
  YamlLine: object({ line: integer, text }),
  YamlPart: object({ kind: { enum: ['pipeline', 'table', 'defaults', 'source', 'sink', 'lake', 'dbt'] }, name: text, line: integer }),
  PipelineYaml: object({ file: text, lines: list(ref('YamlLine')), parts: list(ref('YamlPart')), newer: { type: 'boolean' } }),
  PipelineGrid: object(
    {
      runs: list(ref('RunRecord')),
      nodes: list(ref('GridNode')),
      cells: list(list({ anyOf: [ref('GridCell'), { type: 'null' }] })),
      next: text,
    },
    ['runs', 'nodes', 'cells'],
  ),
};
