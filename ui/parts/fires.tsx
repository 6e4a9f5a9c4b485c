import { useState } from 'preact/hooks';
import type { FiresPage, Fire as OneFire } from '../../engine/api-schedule.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { readerZone } from '../clock.ts';
import { durationText } from '../figures.ts';
import { runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { isoInZone } from '../times.ts';
import { Failure, Waiting } from './messages.tsx';
import { NumberCell } from './number-cell.tsx';
import { Prose } from './prose.tsx';
import { Mark, State } from './state-mark.tsx';
import { Time } from './time.tsx';

/** The times of a pipeline between two moments, one by one. */
export function Fires({ pipeline, from, to }: { readonly pipeline: string; readonly from: string; readonly to: string }) {
  const [begin, setBegin] = useState(from);
  const { data, failure } = useAnswer<FiresPage>(paths.fires(pipeline, begin, to));
  if (data === undefined)
    return failure === undefined ? (
      <Waiting what="Asking for its times ..." />
    ) : (
      <Failure what="Its times cannot be shown" failure={failure} />
    );
  const { next } = data;
  return (
    <>
      {failure === undefined ? null : <Failure what="Its times are from before" failure={failure} />}
      {data.fires.length === 0 ? (
        <p class="quiet">No time any more: the schedule was changed, or what became of it has been removed.</p>
      ) : (
        <table class="rows fires stacks">
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">state</th>
              <th scope="col">run</th>
              <th scope="col" class="number">
                began after
              </th>
              <th scope="col" class="number">
                took
              </th>
              <th scope="col">why</th>
            </tr>
          </thead>
          <tbody>
            {data.fires.map((fire) => (
              <FireRow key={fire.at} fire={fire} />
            ))}
          </tbody>
        </table>
      )}
      {begin === from && next === undefined ? null : (
        <p class="acts">
          {begin === from ? null : (
            <button type="button" onClick={() => setBegin(from)}>
              first
            </button>
          )}
          {next === undefined ? null : (
            <button type="button" onClick={() => setBegin(next)}>
              later
            </button>
          )}
        </p>
      )}
    </>
  );
}

function FireRow({ fire }: { readonly fire: OneFire }) {
  const { at, state, run, afterMs, late, reason, local } = fire;
  const elsewhere = local.filter((zone) => zone.at.slice(0, 16) !== isoInZone(Date.parse(at), readerZone).slice(0, 16));
  const set = local.filter(({ clocksSet }) => clocksSet);
  return (
    <tr>
      <td class="nowrap">
        <Time at={at} />
        {elsewhere.map((zone) => (
          <span key={zone.timezone} class="line quiet">
            {zone.at.slice(0, 16).replace('T', ' ')} in {zone.timezone}
          </span>
        ))}
      </td>
      <td class="nowrap plainly">
        <State state={state} />
      </td>
      <td>
        {run === undefined ? (
          <span class="quiet nothing">-</span>
        ) : (
          <a class="name" href={runPath(run.runId)}>
            {run.runId}
          </a>
        )}
      </td>
      <NumberCell to={runPath(run?.runId ?? '')} again>
        {run === undefined || afterMs === undefined ? undefined : durationText(Math.max(0, afterMs))}
      </NumberCell>
      <NumberCell to={runPath(run?.runId ?? '')} again>
        {run?.endedAt === undefined ? undefined : durationText(Date.parse(run.endedAt) - Date.parse(run.startedAt))}
      </NumberCell>
      <td class="did">
        {late === undefined ? null : (
          <p class="warning">
            <Mark look={lookOf('late')} />
            <span>
              <span class="tone-warn">late</span>: {late}
            </span>
          </p>
        )}
        {reason === undefined ? null : (
          <p>
            <Prose text={reason} />
          </p>
        )}
        {set.map(({ timezone }) => (
          <p key={timezone} class="warning">
            <Mark look={lookOf('clocks')} />
            <span>clocks are set that day in {timezone}</span>
          </p>
        ))}
      </td>
    </tr>
  );
}
