import type { DoctorCheck } from '../api-settings.ts';
import type { CommandContext } from '../command.ts';
import { EngineError } from '../error.ts';
import { commandApart } from './command-apart.ts';

const patienceMs = 80_000;

/** What `engine doctor` finds, by a process of its own. Throws what it threw; one that does not end is EngineError `doctor.no-answer`. */
export async function doctorApart(context: CommandContext, file: string, frozen: string): Promise<readonly DoctorCheck[]> {
  const until = AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]);
  const args = ['--config', file, '--json', 'doctor'];
  const { document, code } = await commandApart<{ readonly checks: readonly DoctorCheck[] }>(
    context,
    args,
    frozen,
    until,
    ({ checks }) => checks !== undefined,
  );
  if (document !== undefined) return document.checks;
  throw new EngineError('outside', 'doctor.no-answer', `engine doctor ended with ${code ?? `a signal, after ${patienceMs / 1000} s`}`, {
    hint: 'Run engine doctor in a terminal: it tells what it waits for.',
  });
}
