import type { CommandContext } from '../command.ts';
import type { Store } from '../store.ts';
import { exportInterrupted } from './export-interrupted.ts';

/** What a sweep needs of a command. */
export type Sweeping = Pick<CommandContext, 'env' | 'clock' | 'engine'> & { readonly reporter: Pick<CommandContext['reporter'], 'note'> };

/**
 * Marks runs whose process is gone, and says so. `exported`: their traces and lineage are ended, or it was said why not; never rejects. To be waited for when everything else is done, for a server may
 * hang.
 */
export async function sweep(context: Sweeping, store: Store): Promise<{ readonly exported: Promise<void> }> {
  const found = await store.sweep();
  for (const runId of found)
    context.reporter.note(`run ${runId} was interrupted: its process is gone; go on with it by engine retry ${runId}`);
  return { exported: exportInterrupted(context, store, found, context.reporter.note) };
}

/** Sweeps, and does `work` while traces and lineage of what was found are ended. */
export async function sweepBeside<T>(context: Sweeping, store: Store, work: () => Promise<T>): Promise<T> {
  const { exported } = await sweep(context, store);
  try {
    return await work();
  } finally {
    await exported;
  }
}
