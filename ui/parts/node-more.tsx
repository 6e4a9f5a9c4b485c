import type { NodeRun, Run } from '../../engine/run.ts';
import { showLog } from '../show-log.ts';
import { DbtResults } from './dbt-results.tsx';
import { ErrorBox } from './error-box.tsx';
import { NodeFacts } from './node-facts.tsx';
import { Time } from './time.tsx';

/** An open node: what its attempts failed with, what it read and wrote, what dbt built and tested. */
export function NodeMore({ node, run }: { readonly node: NodeRun; readonly run: Run }) {
  // The only failure of a run is told at its head already.
  const tries = node.attempts.filter(
    ({ error }) => error !== undefined && (node.attempts.length > 1 || run.error?.message.endsWith(error.message) !== true),
  );
  return (
    <div class="more">
      {tries.map(
        ({ attempt, startedAt, endedAt, error }) =>
          error === undefined || (
            <ErrorBox
              key={attempt}
              error={error}
              what={
                <>
                  attempt {attempt}, <Time at={endedAt ?? startedAt} show="clock" />
                </>
              }
            />
          ),
      )}
      {node.dbt.length === 0 ? null : <DbtResults run={run} node={node} />}
      <NodeFacts node={node} dayOf={run.startedAt} />
      <p class="acts">
        <button type="button" onClick={() => showLog(node.id)}>
          only its log lines
        </button>
        {node.attempts.length < 2
          ? null
          : node.attempts.map(({ attempt }) => (
              <button key={attempt} type="button" onClick={() => showLog(node.id, attempt)}>
                those of attempt {attempt}
              </button>
            ))}
        <span class="quiet">
          {node.type}
          {node.needs.length === 0 ? '' : `, after ${node.needs.join(', ')}`}
        </span>
      </p>
    </div>
  );
}
