import graphology from 'graphology';
import type { Json, JsonObject } from './base/json.ts';
import { lakeFolder } from './base/lake-folder.ts';
import type { Config, PipelineConfig, TableConfig } from './config.ts';

/** One piece of work in a graph: a node type with its options. Ids read as words: `extract users`, `load users`, `dbt`. */
export interface GraphNode {
  readonly id: string;
  /** `postgres.extract`, `postgres.truncate`, `postgres.load`, `dbt.build`. */
  readonly type: string;
  readonly table: string | undefined;
  /** Nodes with the same unit land together or not at all. Every node has one; alone, it is its own id. */
  readonly unit: string;
  readonly needs: readonly string[];
  readonly options: JsonObject;
}

/** A finding about `pipelines.yaml` before it has a line: `at` is the path of keys and indexes in that file. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly at: readonly (string | number)[];
}

/** Nodes in an order in which they may run (as declared, where needs allow), and what is wrong with them; with an error among the findings `nodes` is empty. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly findings: readonly Finding[];
}

/** The graph of one pipeline over its tables, wildcards already answered (engine/load/expand.ts). Pure. */
export function buildGraph(config: Config, pipeline: PipelineConfig, tables: readonly TableConfig[], fullRefresh: boolean): Graph {
  const mode = fullRefresh ? 'full' : pipeline.mode;
  const nodes = tables.flatMap((table) => tableNodes(config, table, tables, mode));
  if (pipeline.dbt.length > 0 && config.dbt !== undefined) {
    nodes.push({
      id: 'dbt',
      type: 'dbt.build',
      table: undefined,
      unit: 'dbt',
      needs: nodes.filter((node) => node.id.startsWith('load ')).map((node) => node.id),
      options: { sink: config.dbt.sink, select: pipeline.dbt, fullRefresh: mode === 'full' },
    });
  }
  return orderNodes(nodes, ['pipelines', pipeline.name, 'tables']);
}

function tableNodes(config: Config, table: TableConfig, all: readonly TableConfig[], mode: 'full' | 'incremental'): GraphNode[] {
  const folder = lakeFolder(table.name);
  const source = config.sources[table.source]?.type ?? 'unknown';
  const sink = config.sinks[table.sink]?.type ?? 'unknown';
  const extract: GraphNode = {
    id: `extract ${table.name}`,
    type: `${source}.extract`,
    table: table.name,
    unit: `extract ${table.name}`,
    needs: [],
    options: {
      source: table.source,
      lake: 'lake',
      folder,
      mode,
      table: plainJson(table),
      group: all.filter((other) => other.source === table.source).map((other) => lakeFolder(other.name)),
    },
  };
  const target = plainJson({ table: table.name, folder, lake: 'lake', sink: table.sink, into: table.into, load: table.load, mode });
  const unit = `load ${table.name}`;
  const load: GraphNode = { id: unit, type: `${sink}.load`, table: table.name, unit, needs: [extract.id], options: target };
  if (mode === 'incremental') return [extract, load];
  const truncate: GraphNode = { ...load, id: `truncate ${table.name}`, type: `${sink}.truncate` };
  return [extract, truncate, { ...load, needs: [truncate.id] }];
}

/** Orders nodes so that each comes after what it needs, as declared otherwise. Cycles, unknown needs and ids used twice are findings at `at`. Pure. */
export function orderNodes(declared: readonly GraphNode[], at: Finding['at'] = []): Graph {
  const findings: Finding[] = [];
  const graph = new graphology.DirectedGraph<{ node: GraphNode }>();
  for (const node of declared) {
    if (graph.hasNode(node.id))
      findings.push({ severity: 'error', code: 'graph.twice', message: `two nodes are named \`${node.id}\``, at });
    else graph.addNode(node.id, { node });
  }
  for (const node of declared) {
    for (const need of node.needs) {
      if (graph.hasNode(need)) graph.mergeEdge(need, node.id);
      else
        findings.push({
          severity: 'error',
          code: 'graph.unknown-need',
          message: `\`${node.id}\` needs \`${need}\`, which is not there`,
          at,
        });
    }
  }
  const nodes: GraphNode[] = [];
  const cycle = walk(graph, (node) => nodes.push(node));
  if (cycle !== undefined) {
    const message = `nodes wait for each other in a circle: ${cycle.map((id) => `\`${id}\``).join(' needs ')}`;
    findings.push({ severity: 'error', code: 'graph.cycle', message, at });
  }
  return { nodes: findings.length > 0 ? [] : nodes, findings };
}

/** Visits needs before nodes; the first circle met is returned, its first id again at its end. */
function walk(
  graph: InstanceType<typeof graphology.DirectedGraph<{ node: GraphNode }>>,
  visit: (node: GraphNode) => void,
): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const enter = (id: string): string[] | undefined => {
    if (done.has(id)) return undefined;
    const seen = path.indexOf(id);
    if (seen >= 0) return [...path.slice(seen), id];
    path.push(id);
    for (const need of graph.inNeighbors(id)) {
      const cycle = enter(need);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(id);
    visit(graph.getNodeAttribute(id, 'node'));
    return undefined;
  };
  for (const id of graph.nodes()) {
    const cycle = enter(id);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Plain data as JSON: what is undefined is left out. */
function plainJson(value: object): { readonly [key: string]: Json } {
  return JSON.parse(JSON.stringify(value)) as { readonly [key: string]: Json };
}
