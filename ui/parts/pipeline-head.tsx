import type { PipelinePage } from '../../engine/api.ts';
import { countText, durationText, medianText, shortCount } from '../figures.ts';
import { pauseAct, resumeAct, useTriggerAct } from '../pipeline-acts.tsx';
import { runsPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { Acts } from './act.tsx';
import { Joined } from './joined.tsx';
import { tableLink } from './links.tsx';
import { Mark } from './state-mark.tsx';

interface Props {
  readonly page: PipelinePage;
  /** Those that a run can be asked for. */
  readonly tables: readonly string[];
  readonly refresh: () => void;
}

/** What a pipeline is, its state, and what can be done with it. */
export function PipelineHead({ page, tables, refresh }: Props) {
  const { pipeline, mode, tags, schedules, paused, live, history } = page;
  const state = live?.state ?? history.runs[0]?.state ?? 'never';
  const trigger = useTriggerAct(pipeline, mode, tables);
  return (
    <div class="head">
      <div class="head-line">
        <h1>
          <span class="state">
            <Mark look={lookOf(state)} label={lookOf(state).word} />
            <span class="name">{pipeline}</span>
          </span>
        </h1>
        <span class="head-state">
          <strong class={`tone-${lookOf(state).tone}`}>{lookOf(state).word}</strong>
          {paused === undefined ? null : (
            <>
              {', '}
              <span class="state">
                <Mark look={lookOf('paused')} /> <strong>paused</strong>
              </span>
            </>
          )}
        </span>
        <Acts acts={[trigger, paused === undefined ? pauseAct(pipeline, refresh) : resumeAct(pipeline, refresh)]} />
      </div>
      <dl class="facts">
        <div>
          <dt>mode</dt>
          <dd>{mode}</dd>
        </div>
        <div>
          <dt>tables</dt>
          <dd>
            <TableLinks tables={page.tables} />
          </dd>
        </div>
        {tags.length === 0 ? null : (
          <div>
            <dt>tags</dt>
            <dd>{tags.join(', ')}</dd>
          </div>
        )}
        <div>
          <dt>schedule</dt>
          <dd>{schedules.length === 0 ? 'by hand' : schedules.map(({ words, timezone }) => `${words} (${timezone})`).join('; ')}</dd>
        </div>
        <div>
          <dt>rows 24 h</dt>
          <dd title={countText(history.rowsLoaded, 'row')}>
            <a href={runsPath({ pipeline })}>{shortCount(history.rowsLoaded)}</a>
          </dd>
        </div>
        <div>
          <dt>p50</dt>
          <dd title={medianText(history.runs)}>
            {history.medianMs === undefined ? (
              '-'
            ) : (
              <a href={runsPath({ pipeline, state: 'succeeded' })}>{durationText(history.medianMs)}</a>
            )}
          </dd>
        </div>
      </dl>
    </div>
  );
}

const tablesShown = 6;

/** The first of them, each leading to its page; patterns lead nowhere. */
function TableLinks({ tables }: { readonly tables: readonly string[] }) {
  return (
    <>
      <Joined
        names={tables.slice(0, tablesShown)}
        show={(table) => (table.includes('*') ? <span class="name">{table}</span> : tableLink(table))}
      />
      {tables.length > tablesShown ? <span class="quiet"> and {tables.length - tablesShown} more, in the graph</span> : null}
    </>
  );
}
