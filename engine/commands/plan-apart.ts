import type { CommandContext } from '../command.ts';
import { EngineError } from '../error.ts';
import type { Plan } from '../plan.ts';
import { commandApart } from './command-apart.ts';
import type { PlanRequest } from './plan-pipeline.ts';

const patienceMs = 80_000;

/**
 * A plan made by a process of its own, by the copies of the configuration in `frozen`: what planning uses (DuckDB, whole catalogs) is given back, and an edited file is
 * gone by. Throws what planning threw; ends with the signal.
 */
export async function planApart(
  context: CommandContext,
  file: string,
  frozen: string,
  request: PlanRequest,
  signal: AbortSignal,
): Promise<Plan> {
  const args = ['--config', file, '--json', 'plan', `--pipeline=${request.pipeline}`];
  for (const table of request.tables ?? []) args.push(`--table=${table}`);
  if (request.fullRefresh === true) args.push('--full-refresh');
  const until = AbortSignal.any([signal, context.signal, AbortSignal.timeout(patienceMs)]);
  const found = await commandApart<Plan>(context, args, frozen, until, ({ nodes }) => nodes !== undefined);
  if (found.document !== undefined) return found.document;
  throw new EngineError('outside', 'plan.no-answer', `planning ${request.pipeline} ended with ${found.code ?? 'a signal'}`);
}
