import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError, errorData, exitCodeOf } from '../error.ts';
import { type Plan, planMoves, troubleOfPlans } from '../plan.ts';
import { orStopped } from './or-stopped.ts';
import { createPlanner, type PlanRequest, planPipeline } from './plan-pipeline.ts';

export { planPipeline, requestOf } from './plan-pipeline.ts';

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
      const plan = await orStopped(context.signal, planPipeline(context, requestFrom(pipeline, input)));
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
    const { pipelines } = await context.config();
    throw new EngineError(detailed ? 'failed' : 'usage', 'plan.which-pipeline', `${flag} needs --pipeline`, {
      hint: `There are: ${Object.keys(pipelines).join(', ')}.`,
    });
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
      const plan = await orStopped(context.signal, planner.plan({ pipeline: name }));
      plans.push(plan);
      if (!context.json) context.reporter.plan(plan, { sql });
    } catch (error) {
      if (context.signal.aborted || !(error instanceof EngineError)) throw error;
      failures.push({ pipeline: name, error });
      if (!context.json) context.reporter.error(errorData(error), error);
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

/** A plan whose run would fail ends with the run's exit code, so that a check before the run finds it; 1 where 2 means `something to move`. */
function exitCode(plans: readonly Plan[], detailed: boolean): number {
  const trouble = troubleOfPlans(plans);
  if (trouble !== undefined) return detailed ? 1 : exitCodeOf({ trouble });
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
