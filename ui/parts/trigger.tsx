import { useEffect, useState } from 'preact/hooks';
import type { Plan } from '../../engine/plan.ts';
import { ApiFailure, get, paths } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { Failure, Waiting } from './messages.tsx';
import { PlanView } from './plan-view.tsx';

interface Props {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly fullRefresh: boolean;
  readonly setFullRefresh: (wanted: boolean) => void;
  /** Told whether the plan is on the screen. */
  readonly planned: (known: boolean) => void;
}

/** What a run would do now, before it is asked for. */
export function TriggerPlan({ pipeline, mode, fullRefresh, setFullRefresh, planned }: Props) {
  const [plan, setPlan] = useState<Plan>();
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    const gone = new AbortController();
    setPlan(undefined);
    setFailure(undefined);
    planned(false);
    get<Plan>(paths.plan(pipeline, fullRefresh), gone.signal).then(
      (found) => {
        setPlan(found);
        planned(true);
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        noteFailure(error);
        setFailure(error);
      },
    );
    return () => gone.abort();
  }, [pipeline, fullRefresh, planned]);
  return (
    <>
      {mode === 'incremental' ? (
        <label class="check">
          <input type="checkbox" checked={fullRefresh} onChange={(event) => setFullRefresh(event.currentTarget.checked)} /> full refresh:
          read every row again and replace what is there
        </label>
      ) : null}
      {failure === undefined ? null : <Failure what="No plan could be made" failure={failure} />}
      {plan === undefined ? (
        failure === undefined ? (
          <Waiting what="Making the plan: what a run would do now ..." />
        ) : null
      ) : (
        <PlanView plan={plan} />
      )}
      <p class="quiet">
        The run waits for its turn in the queue; it can be taken back until then, and cancelled afterwards. What it does follows the world
        at that moment. Who asked for it is recorded.
      </p>
    </>
  );
}
