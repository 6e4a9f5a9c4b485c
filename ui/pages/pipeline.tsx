import { useEffect, useRef } from 'preact/hooks';
import type { PipelinePage as Page, ScheduleView } from '../../engine/api.ts';
import type { QueueEntry } from '../../engine/queue.ts';
import { briefRun } from '../../engine/run.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { readerZone } from '../clock.ts';
import { countText, durationText, shortCount } from '../figures.ts';
import { Acts } from '../parts/act.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Prose } from '../parts/prose.tsx';
import { RunBars } from '../parts/run-bars.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { Since, Time } from '../parts/time.tsx';
import { pauseAct, resumeAct, useTriggerAct } from '../pipeline-acts.tsx';
import { runPath } from '../routes.ts';
import { dequeueAct } from '../run-acts.tsx';
import { lookOf } from '../states.ts';
import { isoInZone, sameClock } from '../times.ts';

/** What a pipeline does, what it waits for, when it runs next, and what became of it. */
export function PipelinePage({ pipeline }: { readonly pipeline: string }) {
  const { data, failure, refresh } = useAnswer<Page>(paths.pipeline(pipeline));
  if (data === undefined) {
    if (failure === undefined) return <Waiting what="Asking for the pipeline ..." />;
    if (failure.status === 404)
      return (
        <Empty title={`There is no pipeline ${pipeline}`}>
          {failure.hint} The <a href="/">overview</a> has those that are declared;{' '}
          <a href={`/runs?pipeline=${encodeURIComponent(pipeline)}`}>runs</a> has what ran under that name.
        </Empty>
      );
    return <Failure what={`Pipeline ${pipeline} cannot be shown`} failure={failure} still={`In a terminal: engine why ${pipeline}`} />;
  }
  return (
    <>
      <Head page={data} refresh={refresh} />
      {failure === undefined ? null : <Failure what="Not up to date" failure={failure} still="What is shown is from before." />}
      <div class="columns">
        <Why page={data} />
        <NextFires page={data} />
      </div>
      <Runs page={data} />
    </>
  );
}

function Head({ page, refresh }: { readonly page: Page; readonly refresh: () => void }) {
  const { pipeline, mode, tables, tags, schedules, paused, live, history } = page;
  const state = live?.state ?? history.runs[0]?.state ?? 'never';
  const trigger = useTriggerAct(pipeline, mode);
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
          <dd class="name">{tables.join(', ')}</dd>
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
          <dd title={countText(history.rowsLoaded, 'row')}>{shortCount(history.rowsLoaded)}</dd>
        </div>
        <div>
          <dt>p50</dt>
          <dd>{history.medianMs === undefined ? '-' : durationText(history.medianMs)}</dd>
        </div>
      </dl>
    </div>
  );
}

const recentShown = 8;

function Why({ page }: { readonly page: Page }) {
  const part = useRef<HTMLDivElement>(null);
  // The part is not there yet when its link is followed.
  useEffect(() => {
    if (window.location.hash === '#why') part.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const { live, paused, waiting, entries, next } = page;
  const leftOut = entries.filter(({ state }) => state !== 'queued' && state !== 'started').slice(0, recentShown);
  return (
    <div id="why" ref={part}>
      <Section title="why" note="what it does or waits for">
        <ul class="plain-list">
          {live === undefined ? (
            <li>
              <span class="state">
                <Mark look={lookOf('queued')} />
                <span>not at work</span>
              </span>
            </li>
          ) : (
            <li>
              <State state="running" /> <a href={runPath(live.runId)}>run {live.runId}</a> for <Since at={live.startedAt} />
            </li>
          )}
          {paused === undefined ? null : (
            <li>
              <State state="paused" /> by {paused.by}
              {paused.at === undefined ? null : (
                <>
                  {' since '}
                  <Time at={paused.at} />
                </>
              )}
            </li>
          )}
          {waiting.map((entry) => (
            <li key={entry.id}>
              <State state="queued" /> {whatOf(entry)}, for <Since at={entry.notedAt} />:{' '}
              <Prose text={entry.reason ?? 'its turn comes within a second'} /> <Acts acts={[dequeueAct(entry)]} />
            </li>
          ))}
          {paused === undefined && waiting.length === 0 && live === undefined ? (
            <li class="quiet">
              {next === undefined ? 'It has no schedule: it runs when somebody asks for it.' : 'It waits for its next time.'}
            </li>
          ) : null}
          {leftOut.map((entry) => (
            <li key={entry.id}>
              <State state={entry.state} /> {whatOf(entry)}, <Time at={entry.notedAt} show="away" />:{' '}
              <Prose text={entry.reason ?? 'no reason was kept'} />
            </li>
          ))}
        </ul>
      </Section>
    </div>
  );
}

function whatOf({ kind, scheduledAt, retryOf, askedBy }: QueueEntry) {
  if (kind === 'fire' && scheduledAt !== undefined)
    return (
      <>
        the time <Time at={scheduledAt} show="clock" />
      </>
    );
  if (retryOf !== undefined) return <a href={runPath(retryOf)}>going on from run {retryOf}</a>;
  return `a run that ${askedBy} asked for`;
}

function NextFires({ page }: { readonly page: Page }) {
  const { schedules, paused } = page;
  return (
    <Section title="next" note={paused === undefined ? 'when it fires' : 'paused: when it would fire'}>
      {schedules.length === 0 ? (
        <Empty title="It has no schedule">
          <span class="name">schedule: {'{ cron: "0 2 * * *", timezone: UTC }'}</span> in pipelines.yaml gives it one; its next times are
          here then.
        </Empty>
      ) : null}
      {schedules.map((schedule) => (
        <Fires key={`${schedule.cron} ${schedule.timezone}`} schedule={schedule} />
      ))}
    </Section>
  );
}

function Fires({ schedule }: { readonly schedule: ScheduleView }) {
  const { cron, timezone, words, fires } = schedule;
  const other = fires.some(({ at }) => !sameClock(Date.parse(at), timezone, readerZone));
  return (
    <Scroll label={`next times, ${words}`}>
      <table class="rows">
        <caption>
          {words} <span class="name quiet">{cron}</span> <span class="quiet">{timezone}</span>
        </caption>
        <thead class="unseen">
          <tr>
            <th scope="col">your time</th>
            {other ? <th scope="col">{timezone}</th> : null}
            <th scope="col">note</th>
          </tr>
        </thead>
        <tbody>
          {fires.map(({ at, clocksSet }) => (
            <tr key={at}>
              <td class="nowrap">
                <Time at={at} />
              </td>
              {other ? <td class="nowrap quiet">{isoInZone(Date.parse(at), timezone).slice(0, 16).replace('T', ' ')} there</td> : null}
              <td>
                {clocksSet ? (
                  <span class="state">
                    <Mark look={lookOf('retrying')} />
                    <span class="tone-warn">clocks are set that day</span>
                  </span>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Runs({ page }: { readonly page: Page }) {
  const { pipeline, history } = page;
  return (
    <Section
      title="runs"
      note={history.runs.length === 0 ? undefined : `the last ${history.runs.length}`}
      side={<a href={`/runs?pipeline=${encodeURIComponent(pipeline)}`}>all of them</a>}
    >
      {history.runs.length === 0 ? (
        <Empty title="It never ran">
          Its runs will be here. <strong>run now</strong> above starts one, after it has shown its plan.
        </Empty>
      ) : (
        <>
          <p>
            <RunBars runs={history.runs.map(briefRun)} />
          </p>
          <RunList runs={history.runs} ofOne />
        </>
      )}
    </Section>
  );
}
