import type { CommandContext } from '../command.ts';
import { errorData } from '../error.ts';
import type { Event } from '../event.ts';
import { openExporters } from '../exporters/index.ts';
import type { Store } from '../store.ts';

const pageSize = 1_000;

/**
 * Has exporters end the traces and the lineage of runs that a sweep has just marked: the processes that told their beginnings are gone. By this process's environment. Never throws;
 * what does not work goes to `warn`.
 */
export async function exportInterrupted(
  context: Pick<CommandContext, 'env' | 'clock' | 'engine'>,
  store: Store,
  runIds: readonly string[],
  warn: (text: string) => void,
): Promise<void> {
  // Side by side: each may wait for a server that hangs.
  await Promise.all(runIds.map((runId) => exportOne(context, store, runId, warn)));
}

async function exportOne(
  context: Parameters<typeof exportInterrupted>[0],
  store: Store,
  runId: string,
  warn: (text: string) => void,
): Promise<void> {
  try {
    const exporter = await openExporters({ ...context, warn, work: undefined });
    if (exporter === undefined) return;
    try {
      await readEvents(store, runId, (events) => {
        exporter.catchUp(events.filter((event) => event.type !== 'run.interrupted'));
        for (const event of events) if (event.type === 'run.interrupted') exporter.event(event);
      });
    } finally {
      await exporter.close();
    }
  } catch (error) {
    // A defect as well: nobody's run is to suffer by it.
    warn(`what became of run ${runId} is not exported: ${errorData(error).message}`);
  }
}

async function readEvents(store: Store, runId: string, take: (events: readonly Event[]) => void): Promise<void> {
  const { history } = store;
  if (history === undefined) return take(await store.events(runId));
  for (let afterSeq = 0; ; ) {
    const events = await history.events({ runId, afterSeq, limit: pageSize });
    take(events);
    const last = events.at(-1);
    if (last === undefined || events.length < pageSize) return;
    afterSeq = last.seq;
  }
}
