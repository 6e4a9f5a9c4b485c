import { useState } from 'preact/hooks';
import type { Queued } from '../engine/api.ts';
import { paths, post } from './api.ts';
import { follow } from './followed.ts';
import type { Act } from './parts/act.tsx';
import { PlanChoice } from './parts/plan-choice.tsx';
import { plainWish, wishBody } from './plan-wish.ts';

/** Running a pipeline now; it shows the plan first. `tables`: those that can be left out. */
export function useTriggerAct(pipeline: string, mode: 'full' | 'incremental', tables: readonly string[] = []): Act {
  const [wish, setWish] = useState(plainWish);
  const [planned, setPlanned] = useState(false);
  return {
    name: 'run now',
    label: `run ${pipeline} now`,
    confirm: 'run it',
    notYet: !planned,
    says: (
      <>
        <PlanChoice pipeline={pipeline} mode={mode} tables={tables} wish={wish} setWish={setWish} planned={setPlanned} />
        <p class="quiet">
          The run waits for its turn in the queue; it can be taken back until then, and cancelled afterwards. What it does follows the world
          at that moment. Who asked for it is recorded.
        </p>
      </>
    ),
    run: async () => {
      const { entry } = await post<Queued>(paths.trigger(pipeline), wishBody(wish));
      follow(entry);
      return 'Asked for: the run is opened as it begins.';
    },
  };
}

/** Keeping its schedules from firing. `refresh` is called when it is done. */
export function pauseAct(pipeline: string, refresh: () => void): Act {
  return {
    name: 'pause',
    label: `pause ${pipeline}`,
    confirm: 'pause it',
    says: (
      <>
        <p>
          No schedule of <span class="name">{pipeline}</span> fires until it is resumed. A run at work goes on, and it can still be run by
          hand.
        </p>
        <p class="quiet">
          Resuming undoes it; times that passed meanwhile are not made up for. While it is paused its tables are neither missed nor stale
          nor held. Who paused it is recorded, and shown.
        </p>
      </>
    ),
    run: async () => {
      await post(paths.pause(pipeline));
      refresh();
      return 'Paused.';
    },
  };
}

/** Letting its schedules fire again. `refresh` is called when it is done. */
export function resumeAct(pipeline: string, refresh: () => void): Act {
  return {
    name: 'resume',
    label: `resume ${pipeline}`,
    confirm: 'resume it',
    says: (
      <p>
        The schedules of <span class="name">{pipeline}</span> fire again, from the next time on. Pausing undoes it.
      </p>
    ),
    run: async () => {
      await post(paths.resume(pipeline));
      refresh();
      return 'Resumed.';
    },
  };
}
