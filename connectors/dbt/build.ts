import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { effect } from '../../engine/base/effect.ts';
import type { JsonObject } from '../../engine/base/json.ts';
import type { NodeContext, NodeType, Project } from '../../engine/connector.ts';
import { EngineError, stoppedError } from '../../engine/error.ts';
import type { DbtResult, NodeResult } from '../../engine/event.ts';
import { nameOf, type RunResults, readRunResults } from './artifacts.ts';
import { ensureEnvironment, existingEnvironment } from './environment.ts';
import { factsOf, failureOfResults, failureWithout, isFailed } from './failure.ts';
import { type DbtProgram, type Invocation, type InvocationEnd, invokeDbt } from './invocation.ts';
import { profileName, writeProfile } from './profile.ts';

interface BuildOptions {
  /** Name of the dbt connection. */
  readonly dbt: string;
  readonly sink: string;
  readonly select: readonly string[];
  readonly fullRefresh: boolean;
}

/** Models that name no schema land here. */
const defaultSchema = 'analytics';
const keptRuns = 20;
const graceMs = 5_000;

/** `dbt build` of what is selected, tests included, with a profile made from the sink. A retry builds only what failed and was skipped. Safe to run again. */
export const dbtBuild: NodeType = {
  type: 'dbt.build',

  async survey(context, json) {
    const options = readOptions(json);
    const project = context.connection(options.dbt, 'project');
    return {
      folder: project.folder,
      project: await exists(join(project.folder, 'dbt_project.yml')),
      program: project.command ?? ((await existingEnvironment()) === undefined ? 'to be made' : 'ready'),
      own: project.command !== undefined,
    };
  },

  describe(json, facts, earlier) {
    const options = readOptions(json);
    const before = [...earlier.values()];
    const program = facts.own === true ? `with ${String(facts.program)}` : `with the engine's own dbt (${String(facts.program)})`;
    return {
      action: facts.project === true ? 'run' : 'refused',
      summary: `dbt build --select ${options.select.join(' ')}${options.fullRefresh ? ' --full-refresh' : ''}`,
      details: [`project ${String(facts.folder)}, ${program}`, ...(options.fullRefresh ? ['incremental models are built anew'] : [])],
      warnings: facts.project === true ? [] : [`there is no dbt_project.yml in ${String(facts.folder)}`],
      moves: before.length === 0 || before.some((plan) => plan.moves),
      sql: [],
      pins: { select: options.select, fullRefresh: options.fullRefresh },
    };
  },

  async run(context, json) {
    const options = readOptions(json);
    const project = context.connection(options.dbt, 'project');
    if (!(await exists(join(project.folder, 'dbt_project.yml'))))
      throw new EngineError('usage', 'dbt.no-project', `there is no dbt_project.yml in ${project.folder}`, {
        hint: 'Name the folder of a dbt project in pipelines.yaml: dbt.project.',
      });
    const program = await findProgram(project, context);
    await forgetOldRuns(context);
    const again = unfinished(context);
    if (again !== undefined) {
      context.log('info', `only what failed or was skipped in run ${context.history?.runId ?? ''}: ${again.join(' ')}`);
      const result = await build(context, options, project, program, again);
      if (result !== 'selection unknown') return result;
      context.log('warn', 'the project has changed since: building the whole selection');
    }
    const result = await build(context, options, project, program, options.select);
    if (result !== 'selection unknown') return result;
    throw new EngineError('failed', 'dbt.nothing-selected', `dbt finds nothing to build for ${options.select.join(' ')}`, {
      hint: `Name models, tags or paths of ${project.folder} under dbt: in the pipeline; dbt ls --select shows what is found.`,
    });
  },
};

function readOptions(json: JsonObject): BuildOptions {
  const { dbt = 'dbt', sink, select, fullRefresh } = json;
  if (typeof dbt !== 'string' || typeof sink !== 'string' || !Array.isArray(select) || typeof fullRefresh !== 'boolean')
    throw new Error(`dbt.build was given ${JSON.stringify(json)}`);
  return { dbt, sink, select: select.map(String), fullRefresh };
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function findProgram(project: Project, context: NodeContext): Promise<DbtProgram> {
  if (project.command !== undefined) return { kind: 'command', command: project.command };
  if ((await existingEnvironment()) === undefined) context.progress({ doing: 'installing dbt' });
  return { kind: 'python', python: await ensureEnvironment({ log: context.log, signal: context.signal }) };
}

/** Selectors of what the last attempt of this node left undone; undefined when it left nothing to go by (a crash): then everything is built. */
function unfinished(context: NodeContext): readonly string[] | undefined {
  const facts = context.history?.facts;
  const ids = [facts?.failed, facts?.skipped].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
  return ids.length === 0 ? undefined : [...new Set(ids.map(nameOf))];
}

function dbtFolder(context: NodeContext): string {
  return join(context.root, '.engine', 'dbt');
}

/** One invocation in folders of its own. `selection unknown`: dbt knows none of it (or, of a retry's, not all of it). */
async function build(
  context: NodeContext,
  options: BuildOptions,
  project: Project,
  program: DbtProgram,
  select: readonly string[],
): Promise<NodeResult | 'selection unknown'> {
  const folder = join(dbtFolder(context), context.runId, String(context.attempt));
  const targetPath = join(folder, 'target');
  const logFile = join(folder, 'logs', 'dbt.log');
  await rm(folder, { recursive: true, force: true });
  const applicationName = `engine dbt ${context.runId} ${context.attempt}`.slice(0, 63);
  const parameters = await context.connection(options.sink, 'database').parameters();
  const profileEnv = await writeProfile(folder, { parameters, schema: defaultSchema, applicationName });
  // What dbt has parsed before saves it a second; it checks by itself whether that still holds.
  const parsed = join(dbtFolder(context), 'partial_parse.msgpack');
  await mkdir(targetPath, { recursive: true });
  await replaceFile(parsed, join(targetPath, 'partial_parse.msgpack'));
  const args = [
    'build',
    '--select',
    ...select,
    '--indirect-selection',
    'cautious',
    ...(options.fullRefresh ? ['--full-refresh'] : []),
    ...['--project-dir', project.folder, '--profiles-dir', folder, '--profile', profileName, '--target', profileName],
    ...['--target-path', targetPath, '--log-path', join(folder, 'logs')],
    ...['--vars', JSON.stringify({ staging_schema: context.connection(options.sink, 'sink').schema })],
    ...[
      '--log-format',
      'json',
      '--log-format-file',
      'text',
      '--log-level',
      'info',
      '--log-level-file',
      'debug',
      '--no-use-colors',
      '--no-use-colors-file',
    ],
    ...['--cache-selected-only', '--partial-parse', '--no-send-anonymous-usage-stats'],
  ];

  const heard = {
    invocationId: undefined as string | undefined,
    errors: [] as string[],
    said: [] as string[],
    unknown: [] as string[],
    nothing: false,
  };
  const invocation: Invocation = {
    program,
    args,
    folder: project.folder,
    env: { ...profileEnv, DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', NO_COLOR: '1', PYTHONUTF8: '1' },
    signal: context.signal,
    graceMs,
    onLine(line) {
      heard.invocationId ??= line.invocationId;
      if (line.level === 'error' && heard.errors.length < 20) heard.errors.push(line.text);
      if (line.name === undefined && line.invocationId === undefined) heard.said = [...heard.said, line.text].slice(-5);
      if (line.name === 'NoNodesForSelectionCriteria') heard.unknown.push(String(line.data.spec_raw));
      if (line.name === 'NothingToDo') heard.nothing = true;
      const { index, total } = line.data;
      if (typeof index === 'number' && typeof total === 'number') context.progress({ doing: `${index} of ${total}` });
      // What it says once it was told to stop, where Python stood above all, is no trouble.
      const level = context.signal.aborted && (line.level === 'warn' || line.level === 'error') ? 'debug' : line.level;
      for (const text of line.text.split('\n')) if (text.trim() !== '') context.log(level, text.trimEnd());
    },
  };
  const end = await effect('dbt.build', () => invokeDbt(invocation));
  if (context.signal.aborted) {
    if (end.killed) await endSessions(context, options.sink, applicationName);
    throw stoppedError();
  }
  await replaceFile(join(targetPath, 'partial_parse.msgpack'), parsed);
  const results = await readRunResults(targetPath, heard.invocationId);
  const isRetry = select !== options.select;
  if (end.code === 0 && (heard.nothing || (isRetry && heard.unknown.length > 0))) return 'selection unknown';
  if (results.believed) {
    for (const result of results.results) context.dbtResult(result);
    if (results.withoutManifest !== undefined)
      context.log('debug', `what models read and where they are is not known: ${results.withoutManifest}`);
  }
  const done = judge(end, results, heard.errors.length > 0 ? heard.errors : heard.said, targetPath, logFile);
  // What a success leaves behind is its log and its results; the rest is large and made again by each invocation.
  for (const name of await readdir(targetPath))
    if (name !== 'run_results.json') await rm(join(targetPath, name), { recursive: true, force: true });
  return done;
}

/** Exit code and results must agree before either is believed. */
function judge(end: InvocationEnd, read: RunResults, errors: readonly string[], targetPath: string, logFile: string): NodeResult {
  if (!read.believed) throw failureWithout(end, read.why, errors, logFile);
  const { results } = read;
  if (results.some(isFailed)) throw failureOfResults(results, targetPath, logFile);
  if (end.code !== 0) throw failureWithout(end, 'its results name no failure', errors, logFile);
  const rows = results.reduce((sum, result) => sum + (result.rows ?? 0), 0);
  return { summary: `${summarize(results)}, ${rows} row${rows === 1 ? '' : 's'} written`, facts: factsOf(results, targetPath) };
}

function summarize(results: readonly DbtResult[]): string {
  const kinds = new Map<string, number>();
  for (const { kind } of results) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const counted = [...kinds].map(([kind, count]) => `${count} ${kind.replace('_', ' ')}${count === 1 ? '' : 's'}`);
  const warned = results.filter((result) => result.status === 'warn').length;
  return `${counted.join(', ')}${warned === 0 ? '' : `, ${warned} with a warning`}`;
}

/** Copies a file, if it is there, over another; a reader of that sees the old one or the new one. */
async function replaceFile(from: string, to: string): Promise<void> {
  if (!(await exists(from))) return;
  const aside = `${to}.${process.pid}`;
  await copyFile(from, aside);
  await rename(aside, to);
}

/** A dbt that had to be killed leaves its queries at work on the server. */
async function endSessions(context: NodeContext, sink: string, applicationName: string): Promise<void> {
  try {
    const client = await context.connection(sink, 'database').connect('dbt stop');
    try {
      await client.query(
        'SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE application_name = $1 AND datname = current_database()',
        [applicationName],
      );
    } finally {
      await client.end();
    }
  } catch (error) {
    context.log('warn', `queries of dbt may still be running: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Run ids rise with time: the folders of the newest runs stay. */
async function forgetOldRuns(context: NodeContext): Promise<void> {
  const folder = dbtFolder(context);
  await mkdir(folder, { recursive: true });
  const runs = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name !== context.runId);
  const old = runs.map((entry) => entry.name).sort();
  for (const name of old.slice(0, Math.max(0, old.length - keptRuns))) await rm(join(folder, name), { recursive: true, force: true });
}
