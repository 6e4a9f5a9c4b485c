import { useCallback } from 'preact/hooks';
import type { RunRecord } from '../../engine/run.ts';
import { askedByText } from '../asked-by.ts';
import { useTicking } from '../clock.ts';
import { durationText } from '../figures.ts';
import { pipelinePath, runPath } from '../routes.ts';
import { NumberCell } from './number-cell.tsx';
import { Scroll } from './scroll.tsx';
import { State } from './state-mark.tsx';
import { Time } from './time.tsx';

/** Runs as lines; of one pipeline without its name. */
export function RunList({ runs, ofOne = false }: { readonly runs: readonly RunRecord[]; readonly ofOne?: boolean }) {
  return (
    <Scroll label="runs">
      <table class="rows stacks">
        <thead>
          <tr>
            <th scope="col">state</th>
            {ofOne ? null : <th scope="col">pipeline</th>}
            <th scope="col">started</th>
            <th scope="col" class="number">
              took
            </th>
            <th scope="col">by</th>
            <th scope="col">run</th>
            <th scope="col">goes on from</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.runId}>
              <td class="plainly">
                <State state={run.state} />
              </td>
              {ofOne ? null : (
                <td class="plainly">
                  <a class="name" href={pipelinePath(run.pipeline)}>
                    {run.pipeline}
                  </a>
                </td>
              )}
              <td class="nowrap">
                <Time at={run.startedAt} />
              </td>
              <NumberCell to={runPath(run.runId)} again>
                <Took run={run} />
              </NumberCell>
              <td>
                {run.trigger === undefined ? <span class="quiet nothing">-</span> : askedByText(run.trigger)}
                {run.scheduledAt === undefined ? null : (
                  <>
                    {', '}
                    <Time at={run.scheduledAt} show="clock" />
                  </>
                )}
              </td>
              <td>
                <a class="name" href={runPath(run.runId)}>
                  {run.runId}
                </a>
              </td>
              <td>
                {run.retryOf === undefined ? (
                  <span class="quiet nothing">-</span>
                ) : (
                  <a class="name" href={runPath(run.retryOf)}>
                    {run.retryOf}
                  </a>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Took({ run }: { readonly run: RunRecord }) {
  const { startedAt, endedAt } = run;
  const words = useTicking(
    useCallback(
      (now: number) => durationText((endedAt === undefined ? Math.floor(now / 1000) * 1000 : Date.parse(endedAt)) - Date.parse(startedAt)),
      [startedAt, endedAt],
    ),
  );
  return <span>{words}</span>;
}
