import { createHash } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { JsonObject } from '../base/json.ts';
import { suggest } from '../base/suggest.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import type { Config, PipelineConfig, TableConfig } from '../config.ts';
import type { CatalogTable, Connection, NodeType, Roles, SurveyContext } from '../connector.ts';
import { EngineError, errorData, exitCodeOf } from '../error.ts';
import { buildGraph, type Finding, type GraphNode } from '../graph.ts';
import { expandTables, wildcardSource } from '../load/expand.ts';
import { makePlan, type Plan, planMoves, planRefused } from '../plan.ts';
import { nextFires } from '../schedule/next.ts';

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

/** What a saved plan was asked for, to ask the same again. */
export function requestOf(plan: Plan): PlanRequest {
  const { tables, fullRefresh } = plan.request;
  return {
    pipeline: plan.pipeline,
    ...(Array.isArray(tables) ? { tables: tables.filter((table): table is string => typeof table === 'string') } : {}),
    ...(fullRefresh === true ? { fullRefresh } : {}),
  };
}

/** Plans pipelines of one project; each source's catalog is read once. */
function createPlanner(context: CommandContext): { plan(request: PlanRequest): Promise<Plan> } {
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
      report(context, [...expansion.findings, ...graph.findings]);
      const types = await context.nodeTypes();
      const facts = await survey(context, config, graph.nodes, types);
      const schedules = await Promise.all(
        pipeline.schedules.map(async ({ cron, timezone }) => ({
          cron,
          timezone,
          next: await nextFires({ cron, timezone }, context.clock.now(), firesShown),
        })),
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

/** Shows warnings; throws when there is an error among the findings. */
function report(context: CommandContext, findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error');
  for (const finding of findings) if (finding.severity === 'warning') context.reporter.note(`warning: ${describeFinding(finding)}`);
  if (errors.length === 0) return;
  throw new EngineError(
    'usage',
    errors.length === 1 ? (errors[0]?.code ?? 'plan.findings') : 'plan.findings',
    errors.map(describeFinding).join('\n'),
  );
}

function describeFinding(finding: Finding): string {
  const place = finding.at.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return `${place.replace(/^\./, '')}: ${finding.message}${finding.hint === undefined ? '' : `\n  ${finding.hint}`}`;
}

async function survey(
  context: CommandContext,
  config: Config,
  nodes: readonly GraphNode[],
  types: ReadonlyMap<string, NodeType>,
): Promise<ReadonlyMap<string, JsonObject>> {
  const facts = new Map<string, JsonObject>();
  const surveyContext = await openSurvey(context, config);
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

/** Opening is cheap: nothing is reached before a role is used. */
async function openSurvey(context: CommandContext, config: Config): Promise<SurveyContext> {
  const open = new Map<string, Connection>();
  const add = async (kind: 'source' | 'sink' | 'lake' | 'dbt', name: string): Promise<void> => {
    open.set(`${kind} ${name}`, await context.connection(kind, name));
  };
  for (const name of Object.keys(config.sources)) await add('source', name);
  for (const name of Object.keys(config.sinks)) await add('sink', name);
  await add('lake', 'lake');
  if (config.dbt !== undefined) await add('dbt', 'dbt');
  const kindsOf: Readonly<Record<keyof Roles, readonly string[]>> = {
    source: ['source'],
    sink: ['sink'],
    lake: ['lake'],
    database: ['sink', 'source'],
  };
  return {
    clock: context.clock,
    signal: context.signal,
    connection<R extends keyof Roles>(name: string, role: R): Roles[R] {
      for (const kind of kindsOf[role]) {
        const found = open.get(`${kind} ${name}`)?.[role];
        if (found !== undefined) return found as Roles[R];
      }
      throw roleMissing(name, role);
    },
  };
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
    lake: relative(config.root, config.lake.path),
  };
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

export const command: Command = {
  name: 'plan',
  summary: 'show what a run would do, and change nothing',
  description:
    'Shows what a run would do: nodes in order, where each extract starts, the files each load would take, estimates, locks, next fires. Reads only.',
  options: [
    { flags: '--pipeline <name>', summary: 'plan this pipeline (default: all)' },
    { flags: '--table <name...>', summary: 'only these tables of it' },
    { flags: '--full-refresh', summary: 'as if an incremental pipeline were run in full' },
    { flags: '--out <file>', summary: 'save the plan, for `engine run --plan <file>`' },
    { flags: '--sql', summary: 'show the statements too' },
    { flags: '--detailed-exitcode', summary: '0: nothing to move, 2: something to move, 1: the configuration is wrong' },
  ],
  examples: [
    'engine plan                                              # every pipeline',
    'engine plan --pipeline incremental_users --sql           # one, with its statements',
    'engine plan --pipeline incremental_users --out plan.json # keep it, then: engine run --plan plan.json',
    'engine plan --detailed-exitcode                          # exit 2 when there is something to move',
  ],
  run: runPlan,
};

async function runPlan(context: CommandContext, input: CommandInput): Promise<number> {
  const { pipeline, out } = input.options;
  const detailed = input.options.detailedExitcode === true;
  if (typeof pipeline === 'string') {
    try {
      const plan = await planPipeline(context, requestFrom(pipeline, input));
      if (typeof out === 'string') await savePlan(context, plan, out);
      context.reporter.plan(plan, { sql: input.options.sql === true });
      return exitCode([plan], detailed);
    } catch (error) {
      throw detailed ? asFailed(error) : error;
    }
  }
  for (const option of ['out', 'table', 'fullRefresh'] as const) {
    if (input.options[option] === undefined || input.options[option] === false) continue;
    const flag = option === 'fullRefresh' ? '--full-refresh' : `--${option}`;
    throw new EngineError(detailed ? 'failed' : 'usage', 'plan.which-pipeline', `${flag} needs --pipeline`);
  }
  return await planAll(context, input.options.sql === true, detailed);
}

/** Every pipeline; one that cannot be planned does not hide the others. */
async function planAll(context: CommandContext, sql: boolean, detailed: boolean): Promise<number> {
  let names: string[];
  try {
    names = Object.keys((await context.config()).pipelines);
  } catch (error) {
    throw detailed ? asFailed(error) : error;
  }
  const planner = createPlanner(context);
  const plans: Plan[] = [];
  const failures: { readonly pipeline: string; readonly error: unknown }[] = [];
  for (const name of names) {
    try {
      const plan = await planner.plan({ pipeline: name });
      plans.push(plan);
      if (!context.json) context.reporter.plan(plan, { sql });
    } catch (error) {
      if (context.signal.aborted || !(error instanceof EngineError)) throw error;
      failures.push({ pipeline: name, error });
      context.reporter.error(errorData(error), error.cause);
    }
  }
  if (context.json) {
    const errors = failures.map(({ pipeline, error }) => ({ pipeline, error: errorData(error) }));
    context.reporter.data({ format_version: 1, plans, errors }, () => '');
  }
  const first = failures[0];
  if (first === undefined) return exitCode(plans, detailed);
  return exitCodeOf(errorData(detailed ? asFailed(first.error) : first.error));
}

function requestFrom(pipeline: string, input: CommandInput): PlanRequest {
  const { table, fullRefresh } = input.options;
  return {
    pipeline,
    ...(table === undefined || typeof table === 'boolean' ? {} : { tables: typeof table === 'string' ? [table] : table }),
    ...(fullRefresh === true ? { fullRefresh } : {}),
  };
}

/** A plan that a guard would refuse is exit 4, so that a check before the run finds it; 1 where 2 means `something to move`. */
function exitCode(plans: readonly Plan[], detailed: boolean): number {
  if (plans.some(planRefused)) return detailed ? 1 : exitCodeOf({ trouble: 'refused' });
  return detailed && plans.some(planMoves) ? 2 : 0;
}

/** Under --detailed-exitcode a wrong configuration is exit 1, because 2 has another meaning there. */
function asFailed(error: unknown): unknown {
  if (!(error instanceof EngineError) || error.trouble !== 'usage') return error;
  return new EngineError('failed', error.code, error.message, {
    cause: error.cause,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    retryable: error.retryable,
  });
}

async function savePlan(context: CommandContext, plan: Plan, out: string): Promise<void> {
  const file = resolve(context.cwd, out);
  const aside = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(aside, `${JSON.stringify(plan, undefined, 2)}\n`);
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw new EngineError('outside', 'plan.not-saved', `the plan cannot be written to ${file}`, {
      cause: error,
      hint: 'Name another file with --out.',
    });
  }
  context.reporter.note(`saved to ${out}; run just this with: engine run --plan ${out}`);
}
