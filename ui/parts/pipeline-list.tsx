import type { PipelineBrief } from '../../engine/api-overview.ts';
import type { RunBrief } from '../../engine/run.ts';
import { countText, durationText, medianText, shortCount } from '../figures.ts';
import { useGrowing } from '../growing.ts';
import { memo } from '../memo.ts';
import { standingOf, standings } from '../overview-order.ts';
import { pipelinePath, runPath, runsPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import './pipeline-list.css';
import { Paused } from './paused.tsx';
import { RunBars } from './run-bars.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

/** How many pipelines are in which state, each count a filter. */
export function Standings({ pipelines, chosen }: { readonly pipelines: readonly PipelineBrief[]; readonly chosen: string | undefined }) {
  return (
    <span class="standings">
      <a href="/" aria-current={chosen === undefined ? 'true' : undefined}>
        {countText(pipelines.length)} in all
      </a>
      {standings(pipelines).map(({ state, count }) => (
        <a key={state} href={`/?state=${state}`} aria-current={chosen === state ? 'true' : undefined}>
          <Mark look={lookOf(state)} />
          {countText(count)} {lookOf(state).word}
        </a>
      ))}
    </span>
  );
}

/** Pipelines as lines. */
export function PipelineList({ pipelines }: { readonly pipelines: readonly PipelineBrief[] }) {
  const drawn = useGrowing(pipelines.length);
  return (
    <Scroll label="pipelines">
      <table class="rows stacks">
        <thead>
          <tr>
            <th scope="col">pipeline</th>
            <th scope="col">mode</th>
            <th scope="col">schedule</th>
            <th scope="col">next</th>
            <th scope="col">last run</th>
            <th scope="col">last 30 runs</th>
            <th scope="col" class="number">
              rows 24 h
            </th>
            <th scope="col" class="number">
              took
            </th>
            <th scope="col" class="number">
              p50
            </th>
          </tr>
        </thead>
        <tbody>
          {pipelines.slice(0, drawn).map((view) => (
            <Row key={view.pipeline} view={view} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Drawn again only when what is told of it is something else. */
const Row = memo(Cells);

function Cells({ view }: { readonly view: PipelineBrief }) {
  const { pipeline, mode, tags, schedules, live, runs, rowsLoaded, medianMs } = view;
  const [newest] = runs;
  const state = live?.state ?? newest?.state ?? 'never';
  const look = lookOf(standingOf(view) === 'paused' ? state : standingOf(view));
  const ended = runs.find((run) => run.tookMs !== undefined);
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Mark look={look} label={look.word} />
          <a class="name" href={pipelinePath(pipeline)}>
            {pipeline}
          </a>
        </span>
        {tags.length === 0 ? null : (
          <span class="tags">
            {tags.map((tag) => (
              <a key={tag} href={`/?tag=${encodeURIComponent(tag)}`} title={`only pipelines with the tag ${tag}`}>
                {tag}
              </a>
            ))}
          </span>
        )}
      </th>
      <td class="quiet plainly">{mode}</td>
      <td class="plainly">
        {schedules.length === 0 ? <span class="quiet">by hand</span> : null}
        {schedules.map((schedule) => (
          <span key={`${schedule.cron} ${schedule.timezone}`} class="line" title={`${schedule.cron} ${schedule.timezone}`}>
            {schedule.words}
          </span>
        ))}
      </td>
      <td class="nowrap">
        <Next view={view} />
      </td>
      <td class="nowrap">
        {newest === undefined ? (
          <span class="quiet">never ran</span>
        ) : (
          <a href={runPath((live ?? newest).runId)}>
            {lookOf(state).word} <Time at={live?.startedAt ?? endOf(newest)} show="away" />
          </a>
        )}
      </td>
      <td class="plainly">
        <RunBars runs={runs} />
      </td>
      <td class="number">
        {rowsLoaded === 0 ? (
          <span class="quiet nothing">-</span>
        ) : (
          <a href={runsPath({ pipeline })} title={countText(rowsLoaded, 'row')}>
            {shortCount(rowsLoaded)}
          </a>
        )}
      </td>
      <td class="number">
        {ended?.tookMs === undefined ? (
          <span class="quiet nothing">-</span>
        ) : (
          <a href={runPath(ended.runId)}>{durationText(ended.tookMs)}</a>
        )}
      </td>
      <td class="number">
        {medianMs === undefined ? (
          <span class="quiet nothing">-</span>
        ) : (
          <a href={runsPath({ pipeline, state: 'succeeded' })} title={medianText(runs)}>
            {durationText(medianMs)}
          </a>
        )}
      </td>
    </tr>
  );
}

function Next({ view: { next, paused } }: { readonly view: PipelineBrief }) {
  if (paused !== undefined) return <Paused paused={paused} />;
  return next === undefined ? <span class="quiet nothing">-</span> : <Time at={next} />;
}

function endOf({ startedAt, tookMs }: RunBrief): string {
  return tookMs === undefined ? startedAt : new Date(Date.parse(startedAt) + tookMs).toISOString();
}
