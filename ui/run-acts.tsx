import type { Queued } from '../engine/api.ts';
import type { RunPlan } from '../engine/api-run.ts';
import type { Plan } from '../engine/plan.ts';
import type { QueueEntry } from '../engine/queue.ts';
import type { Run } from '../engine/run.ts';
import { useAnswer } from './answers.ts';
import { paths, post, remove } from './api.ts';
import { countText } from './figures.ts';
import { follow } from './followed.ts';
import type { Act } from './parts/act.tsx';
import { Failure, Waiting } from './parts/messages.tsx';
import { dbtAgainText, retryNodes } from './retry-nodes.ts';
import { stopText } from './stop-text.ts';

/** Going on from a run that did not succeed; with the run at hand it says which nodes are done again. */
export function retryAct(runId: string, run?: Run): Act {
  return {
    name: 'retry',
    label: `retry run ${runId}`,
    confirm: 'retry now',
    says: (
      <>
        <p>
          Goes on from run <span class="name">{runId}</span> as a new run: what succeeded is not done again.
        </p>
        {run === undefined ? null : <NodesAgain run={run} />}
        <p class="quiet">
          It waits for its turn in the queue, and can be cancelled. Rows that are there already are not loaded twice. Who asked for it is
          recorded.
        </p>
      </>
    ),
    run: async () => {
      const { entry } = await post<Queued>(paths.retry(runId));
      follow(entry);
      return 'Asked for: the new run is opened as it begins.';
    },
  };
}

function NodesAgain({ run }: { readonly run: Run }) {
  const { data, failure } = useAnswer<RunPlan>(paths.runPlan(run.runId));
  if (data !== undefined) return <NodesOf run={run} plan={data.plan} />;
  if (failure === undefined) return <Waiting what="Looking at what was planned, which says what is done again ..." />;
  if (failure.status === 404) return <NodesOf run={run} plan={undefined} />;
  return <Failure what="Which nodes are done again cannot be shown" failure={failure} still="The retry can be asked for all the same." />;
}

function NodesOf({ run, plan }: { readonly run: Run; readonly plan: Plan | undefined }) {
  const { again, kept, dragged, unplanned } = retryNodes(run, plan);
  return (
    <>
      <ul class="plain-list">
        {again.length === 0 ? null : (
          <li>
            Done again: <span class="name">{again.map((node) => node.id).join(', ')}</span>
          </li>
        )}
        {kept.length === 0 ? null : (
          <li>
            Kept: <span class="name">{kept.map((node) => node.id).join(', ')}</span>
          </li>
        )}
        {again.map((node) => {
          const only = dbtAgainText(node);
          return only === undefined ? null : (
            <li key={node.id}>
              Of <span class="name">{node.id}</span> only {only}; what it built stays.
            </li>
          );
        })}
      </ul>
      {unplanned ? (
        <p class="quiet">It was not kept how its tables were extracted, so they are extracted again.</p>
      ) : dragged ? (
        <p class="quiet">Tables of one source are read in one snapshot: when one of them is read again, all of them are.</p>
      ) : null}
    </>
  );
}

/** Stopping a run that is at work. */
export function cancelAct(run: Run): Act {
  const open = run.nodes.filter((node) => node.state === 'running' || node.state === 'retrying');
  const waiting = run.nodes.filter((node) => node.state === 'queued');
  return {
    name: 'cancel',
    label: `cancel run ${run.runId}`,
    confirm: 'cancel the run',
    says: (
      <>
        <p>
          Asks the run to stop. It looks for that once a second: what ends before it does stays, as all that has succeeded does.
          {waiting.length === 0 ? null : ` ${countText(waiting.length, 'node')} will not begin.`}
        </p>
        {open.length === 0 ? null : (
          <ul class="plain-list">
            {open.map((node) => (
              <li key={node.id}>
                <span class="name">{node.id}</span>: {stopText(node)}
              </li>
            ))}
          </ul>
        )}
        <p class="quiet">It cannot be undone; a retry goes on from where it stopped. Who asked for it is recorded.</p>
      </>
    ),
    run: async () => {
      await post(paths.cancel(run.runId));
      return 'The run was asked to stop: it sees that within a second, and ends when what is at work has let go.';
    },
  };
}

/** Taking back what waits for its turn. */
export function dequeueAct({ id, pipeline, kind }: QueueEntry): Act {
  return {
    name: 'take off',
    label: `take ${pipeline} off the queue`,
    confirm: 'take it off',
    says: (
      <>
        <p>
          The run of <span class="name">{pipeline}</span> that waits will not begin.
        </p>
        <p class="quiet">
          {kind === 'fire' ? 'Its schedule goes on with the next time. ' : ''}It cannot be undone; the pipeline can be run by hand. Who did
          it is recorded.
        </p>
      </>
    ),
    run: async () => {
      await remove(paths.queueEntry(id));
      return 'Taken off the queue.';
    },
  };
}
