import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { EngineError, exitCodeOf } from '../error.ts';
import { checkSavedPlan, type Plan, parsePlan, troubleOfPlans } from '../plan.ts';
import { orStopped } from './or-stopped.ts';
import { type PlanRequest, planPipeline, requestOf } from './plan-pipeline.ts';
import { runPlan } from './run-plan.ts';
import { runQueued } from './run-queued.ts';

/** `engine run`: exit 0 when all succeeded, else by what failed (1, 3, 4); 130 or 143 when it was stopped by a signal. */
export const command: Command = {
  name: 'run',
  summary: 'run a pipeline once',
  description: 'Runs a pipeline once: all its tables, or some. What failed is gone on with by engine retry.',
  options: [
    { flags: '--pipeline <name>', summary: 'the pipeline to run' },
    { flags: '--table <name...>', summary: 'only these tables of it' },
    { flags: '--full-refresh', summary: 'take an incremental pipeline in full' },
    { flags: '--dry-run', summary: 'show the plan and do nothing' },
    { flags: '--queued <id>', summary: 'run what the daemon has queued under that id, once' },
    { flags: '--plan <file>', summary: 'run a saved plan; refused (exit 4) when it is out of date' },
  ],
  examples: [
    'engine run --pipeline incremental_users                    # once',
    'engine run --pipeline incremental_users --table users      # one of its tables',
    'engine run --pipeline incremental_users --full-refresh     # everything again',
    'engine run --pipeline incremental_users --dry-run          # the same as engine plan',
    'engine run --plan plan.json                                # what engine plan --out plan.json saved',
    'engine run --pipeline incremental_users --json             # one event per line',
  ],
  async run(context, input) {
    if (typeof input.options.queued === 'string') return runQueued(context, input.options.queued);
    const plan = await orStopped(context.signal, askedPlan(context, input));
    if (input.options.dryRun === true) {
      context.reporter.plan(plan, { sql: false });
      const trouble = troubleOfPlans([plan]);
      return trouble === undefined ? 0 : exitCodeOf({ trouble });
    }
    return runPlan(context, plan, 'cli');
  },
};

async function askedPlan(context: CommandContext, input: CommandInput): Promise<Plan> {
  const { pipeline, table, fullRefresh, plan: file } = input.options;
  if (typeof file === 'string') return await savedPlan(context, input, file);
  if (typeof pipeline !== 'string') {
    const { pipelines } = await context.config();
    throw new EngineError('usage', 'run.which-pipeline', 'run needs --pipeline', {
      hint: `There are: ${Object.keys(pipelines).join(', ')}.`,
    });
  }
  const request: PlanRequest = {
    pipeline,
    ...(table === undefined || typeof table === 'boolean' ? {} : { tables: typeof table === 'string' ? [table] : table }),
    ...(fullRefresh === true ? { fullRefresh } : {}),
  };
  return await planPipeline(context, request);
}

/** The plan as it is now, when it says the same as the saved one. */
async function savedPlan(context: CommandContext, input: CommandInput, file: string): Promise<Plan> {
  for (const [name, flag] of [
    ['pipeline', '--pipeline'],
    ['table', '--table'],
    ['fullRefresh', '--full-refresh'],
  ] as const)
    if (input.options[name] !== undefined)
      throw new EngineError('usage', 'run.two-plans', `${flag} cannot stand beside --plan: the saved plan says it already`);
  const path = resolve(context.cwd, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new EngineError('usage', 'plan.unreadable', `the plan ${file} cannot be read`, {
      cause: error,
      hint: 'Write one with engine plan --pipeline P --out FILE.',
    });
  });
  const saved = parsePlan(text, file);
  const fresh = await planPipeline(context, requestOf(saved));
  checkSavedPlan(saved, fresh);
  return fresh;
}
