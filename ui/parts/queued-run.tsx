import { useEffect } from 'preact/hooks';
import type { PipelinePage } from '../../engine/api.ts';
import type { QueueEntry } from '../../engine/queue.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { go } from '../router.ts';
import { pipelinePath, runPath } from '../routes.ts';

/** What becomes of a run that was asked for: why it waits, then the run itself, which is opened as it begins. */
export function QueuedRun({ entry }: { readonly entry: QueueEntry }) {
  const { data } = useAnswer<PipelinePage>(paths.pipeline(entry.pipeline));
  const now = [...(data?.waiting ?? []), ...(data?.entries ?? [])].find(({ id }) => id === entry.id) ?? entry;
  const { runId } = now;
  useEffect(() => {
    if (runId !== undefined) go(runPath(runId));
  }, [runId]);
  if (runId !== undefined)
    return (
      <span>
        Started: <a href={runPath(runId)}>run {runId}</a>
      </span>
    );
  if (now.state !== 'queued')
    return (
      <span>
        {now.state}: {now.reason ?? 'no reason was kept'}
      </span>
    );
  return (
    <span>
      Waits in the queue of <a href={pipelinePath(entry.pipeline)}>{entry.pipeline}</a>: {now.reason ?? 'its turn comes within a second'}
    </span>
  );
}
