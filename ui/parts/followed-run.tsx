import { useEffect } from 'preact/hooks';
import type { PipelinePage } from '../../engine/api.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { type Followed, followed } from '../followed.ts';
import { go } from '../router.ts';
import { pipelinePath, runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { useWatched } from '../watched.ts';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';

/** What becomes of a run that was asked for: why it waits, then the run itself, opened as it begins for whoever has stayed where they asked. */
export function FollowedRun() {
  const following = useWatched(followed);
  return following === undefined ? null : <Following key={following.entry.id} following={following} />;
}

function Following({ following: { entry, path } }: { readonly following: Followed }) {
  const { data } = useAnswer<PipelinePage>(paths.pipeline(entry.pipeline));
  const now = [...(data?.waiting ?? []), ...(data?.entries ?? [])].find(({ id }) => id === entry.id) ?? entry;
  const { runId, state } = now;
  useEffect(() => {
    if (runId === undefined || window.location.pathname !== path) return;
    followed.set(undefined);
    go(runPath(runId));
  }, [runId, path]);
  return (
    <p class="banner">
      <Mark look={lookOf(runId === undefined ? state : 'running')} />
      <span>
        <a class="name" href={pipelinePath(entry.pipeline)}>
          {entry.pipeline}
        </a>
        {': '}
        {runId !== undefined ? (
          <>
            started as <a href={runPath(runId)}>run {runId}</a>
          </>
        ) : state === 'queued' ? (
          <>
            waits in the queue: <Prose text={now.reason ?? 'its turn comes within a second'} />
          </>
        ) : (
          <>
            {state}: <Prose text={now.reason ?? 'no reason was kept'} />
          </>
        )}
      </span>
      <button type="button" class="plain" onClick={() => followed.set(undefined)}>
        close
      </button>
    </p>
  );
}
