import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { JsonObject } from '../base/json.ts';
import { suggest } from '../base/suggest.ts';
import type { CommandContext } from '../command.ts';
import type { Config, Diagnostic, PipelineConfig, TableConfig } from '../config.ts';
import type { CatalogTable, NodeType, SurveyContext } from '../connector.ts';
import { EngineError } from '../error.ts';
import { buildGraph, type Finding, type GraphNode } from '../graph.ts';
import { expandTables, wildcardSource } from '../load/expand.ts';
import { makePlan, type Plan } from '../plan.ts';
import { daysOfChange, nextFires } from '../schedule/next.ts';

/** What a plan is asked for. */
export interface PlanRequest {
  readonly pipeline: string;
  /** Names of tables; undefined: all. */
  readonly tables?: readonly string[] | undefined;
  /** Takes an incremental pipeline in full. */
  readonly fullRefresh?: boolean | undefined;
}

const surveysAtOnce = 4;
const firesShown = 3;

/** The plan of one pipeline as the world is now. Changes nothing; needs read rights only. Throws EngineErrors: `usage` for findings, `outside` for what cannot be reached. */
export async function planPipeline(context: CommandContext, request: PlanRequest): Promise<Plan> {
  return await createPlanner(context).plan(request);
}

/** What a saved plan or an earlier run was asked for, to ask the same again. */
export function requestOf(plan: Pick<Plan, 'pipeline' | 'request'>): PlanRequest {
  const { tables, fullRefresh } = plan.request;
  return {
    pipeline: plan.pipeline,
    ...(Array.isArray(tables) ? { tables: tables.filter((table): table is string => typeof table === 'string') } : {}),
    ...(fullRefresh === true ? { fullRefresh } : {}),
  };
}

/** Plans pipelines of one project; each source's catalog is read once. */
export function createPlanner(context: CommandContext): { plan(request: PlanRequest): Promise<Plan> } {
  const catalogs = new Map<string, readonly CatalogTable[]>();
  return {
    async plan(request) {
      const config = await context.config();
      const pipeline = pipelineNamed(config, request.pipeline);
      const source = wildcardSource(config, pipeline);
      if (source !== undefined && !catalogs.has(source)) catalogs.set(source, await catalogOf(context, source));
      const expansion = expandTables(config, pipeline, catalogs);
      const tables = pickTables(pipeline, expansion.tables, request.tables);
      const graph = buildGraph(config, pipeline, tables, request.fullRefresh === true);
      await report(context, config, pipeline, [...expansion.findings, ...graph.findings]);
      const types = await context.nodeTypes();
      const facts = await survey(context, graph.nodes, types);
      const schedules = await Promise.all(
        pipeline.schedules.map(async (schedule) => {
          const next = await nextFires(schedule, context.clock.now(), firesShown);
          return { cron: schedule.cron, timezone: schedule.timezone, next, clocksSet: daysOfChange(next, schedule.timezone) };
        }),
      );
      return makePlan({
        pipeline: pipeline.name,
        mode: request.fullRefresh === true ? 'full' : pipeline.mode,
        createdAtMs: context.clock.now(),
        request: {
          pipeline: pipeline.name,
          ...(request.tables === undefined ? {} : { tables: request.tables }),
          ...(request.fullRefresh === true ? { fullRefresh: true } : {}),
        },
        nodes: graph.nodes,
        describe: (node, earlier) => typeOf(types, node).describe(node.options, facts.get(node.id) ?? {}, earlier),
        schedules,
        settings: settingsOf(config, tables),
      });
    },
  };
}

function pipelineNamed(config: Config, name: string): PipelineConfig {
  const pipeline = Object.hasOwn(config.pipelines, name) ? config.pipelines[name] : undefined;
  if (pipeline !== undefined) return pipeline;
  const known = Object.keys(config.pipelines);
  const near = suggest(name, known);
  throw new EngineError('usage', 'plan.unknown-pipeline', `there is no pipeline \`${name}\``, {
    hint: near === undefined ? `There are: ${known.join(', ')}.` : `Did you mean \`${near}\`?`,
  });
}

function pickTables(
  pipeline: PipelineConfig,
  tables: readonly TableConfig[],
  wanted: readonly string[] | undefined,
): readonly TableConfig[] {
  if (wanted === undefined || wanted.length === 0) return tables;
  const known = tables.map((table) => table.name);
  for (const name of wanted) {
    if (known.includes(name)) continue;
    const near = suggest(name, known);
    throw new EngineError('usage', 'plan.unknown-table', `pipeline \`${pipeline.name}\` has no table \`${name}\``, {
      hint: near === undefined ? `It has: ${known.join(', ')}.` : `Did you mean \`${near}\`?`,
    });
  }
  return tables.filter((table) => wanted.includes(table.name));
}

async function catalogOf(context: CommandContext, name: string): Promise<readonly CatalogTable[]> {
  const connection = await context.connection('source', name);
  if (connection.source === undefined) throw roleMissing(connection.name, 'source');
  return await connection.source.catalog();
}

/** Shows findings at their places in the file; throws when there is an error among them. */
async function report(context: CommandContext, config: Config, pipeline: PipelineConfig, findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) return;
  const { readYaml } = await import('../load/read.ts');
  const { below } = await import('../load/findings.ts');
  const reading = await readYaml(config.file, await readFile(config.file, 'utf8'));
  for (const finding of findings) reading.findings.on(below('', ...finding.at), 'value', finding);
  const warnings = new Set(findings.filter((finding) => finding.severity === 'warning').map((finding) => finding.code));
  const placed = reading.findings.list().map((found): Diagnostic => (warnings.has(found.code) ? { ...found, severity: 'warning' } : found));
  context.reporter.diagnostics(placed);
  const errors = findings.filter((finding) => finding.severity === 'error');
  if (errors.length === 0) return;
  throw new EngineError(
    'usage',
    'plan.findings',
    `pipeline \`${pipeline.name}\` has ${errors.length} finding${errors.length === 1 ? '' : 's'}`,
    {
      hint: 'Correct what is shown above, then plan again.',
    },
  );
}

async function survey(
  context: CommandContext,
  nodes: readonly GraphNode[],
  types: ReadonlyMap<string, NodeType>,
): Promise<ReadonlyMap<string, JsonObject>> {
  const facts = new Map<string, JsonObject>();
  const connection = await context.roles();
  const surveyContext: SurveyContext = { clock: context.clock, signal: context.signal, connection };
  const queue = [...nodes];
  const worker = async (): Promise<void> => {
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      context.signal.throwIfAborted();
      facts.set(node.id, await typeOf(types, node).survey(surveyContext, node.options));
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(surveysAtOnce, nodes.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return facts;
}

function roleMissing(name: string, role: string): EngineError {
  return new EngineError('usage', 'plan.no-role', `\`${name}\` cannot be used as a ${role}`);
}

function typeOf(types: ReadonlyMap<string, NodeType>, node: GraphNode): NodeType {
  const type = types.get(node.type);
  if (type !== undefined) return type;
  throw new EngineError('usage', 'plan.no-node-type', `\`${node.id}\` is a \`${node.type}\`, and no connector brings that`);
}

/** Which servers and which lake the plan is for, without secrets. */
function settingsOf(config: Config, tables: readonly TableConfig[]): JsonObject {
  const used = (pick: (table: TableConfig) => string): string[] => [...new Set(tables.map(pick))].sort();
  return {
    sources: Object.fromEntries(used((t) => t.source).map((name) => [name, place(config.sources[name]?.url)])),
    sinks: Object.fromEntries(used((t) => t.sink).map((name) => [name, place(config.sinks[name]?.url)])),
    lake: lakePlace(config),
  };
}

function lakePlace({ lake, root }: Config): string {
  if (lake.type === 'file') return relative(root, lake.path);
  const address = lake.prefix === '' ? `s3://${lake.bucket}` : `s3://${lake.bucket}/${lake.prefix}`;
  return lake.endpoint === undefined ? address : `${address} at ${lake.endpoint}`;
}

/** Names a database without its password. */
function place(url: string | undefined): string {
  if (url === undefined || !URL.canParse(url))
    return url === 'embedded'
      ? url
      : createHash('sha256')
          .update(url ?? '')
          .digest('hex');
  const { protocol, username, host, pathname } = new URL(url);
  return `${protocol}//${username}@${host}${pathname}`;
}
