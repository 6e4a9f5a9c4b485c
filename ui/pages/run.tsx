import type { RunPage as Page } from '../../engine/api.ts';
import type { ApiFailure } from '../api.ts';
import { askedByText } from '../asked-by.ts';
import { nowMs, readerZone } from '../clock.ts';
import { countText, durationText } from '../figures.ts';
import { Acts } from '../parts/act.tsx';
import { ErrorBox } from '../parts/error-box.tsx';
import { LogView } from '../parts/log-view.tsx';
import { Empty, Failure, Section, Unanswered } from '../parts/messages.tsx';
import { NodeTable } from '../parts/node-table.tsx';
import { Planned } from '../parts/planned.tsx';
import { Prose } from '../parts/prose.tsx';
import { RunLinks } from '../parts/run-links.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { Since, Time } from '../parts/time.tsx';
import { setQuery, useAddress } from '../router.ts';
import { pipelinePath, runPath } from '../routes.ts';
import { cancelAct, retryAct } from '../run-acts.tsx';
import { useRun } from '../run-watch.ts';
import { isLive, lookOf } from '../states.ts';
import { clockTime, wholeTime } from '../times.ts';

/** What happened in a run, why, and what now? */
export function RunPage({ runId }: { readonly runId: string }) {
  const { page, failure } = useRun(runId);
  if (page === undefined) {
    if (failure?.status === 404)
      return (
        <Empty title={`There is no run ${runId}`}>
          {failure.hint ?? 'Old runs are removed after a while.'} <a href="/runs">Runs</a> has those that are kept.
        </Empty>
      );
    return <Unanswered name={runId} what="run" failure={failure} still={`In a terminal: engine logs ${runId}`} />;
  }
  return <Shown page={page} failure={failure} />;
}

function Shown({ page, failure }: { readonly page: Page; readonly failure: ApiFailure | undefined }) {
  const { run } = page;
  const live = isLive(run.state);
  const withPlan = useAddress().query.get('show') === 'plan';
  const plan = (
    <button type="button" aria-expanded={withPlan} onClick={() => setQuery({ show: withPlan ? undefined : 'plan' })}>
      plan
    </button>
  );
  return (
    <>
      <Head page={page} />
      {failure === undefined ? null : <Failure what="The run cannot be followed" failure={failure} still="What is shown is from before." />}
      <Section title="nodes" note={countText(run.nodes.length)} side={plan}>
        <NodeTable run={run} />
      </Section>
      {withPlan ? <Planned run={run} close={() => setQuery({ show: undefined })} /> : null}
      <LogView runId={run.runId} seq={page.seq} nodes={run.nodes} live={live} />
    </>
  );
}

function Head({ page }: { readonly page: Page }) {
  const { run, askedBy, retriedBy, traceId, links } = page;
  const live = isLive(run.state);
  const startedMs = Date.parse(run.startedAt);
  const tookMs = (run.endedAt === undefined ? nowMs() : Date.parse(run.endedAt)) - startedMs;
  const acts = live ? [cancelAct(run)] : run.state === 'succeeded' || retriedBy !== undefined ? [] : [retryAct(run.runId, run)];
  return (
    <div class="head">
      <div class="head-line">
        <h1>
          <span class="state">
            <Mark look={lookOf(run.state)} />
            <a class="name" href={pipelinePath(run.pipeline)}>
              {run.pipeline}
            </a>
          </span>
        </h1>
        <span class="head-state">
          <strong class={`tone-${lookOf(run.state).tone}`}>{lookOf(run.state).word}</strong>{' '}
          {live ? (
            <>
              for <Since at={run.startedAt} />
            </>
          ) : (
            <span title={`from ${wholeTime(startedMs, readerZone)} to ${wholeTime(startedMs + tookMs, readerZone)}`}>
              {run.state === 'succeeded' ? 'in' : 'after'} {durationText(tookMs)}
            </span>
          )}
        </span>
        <Acts acts={acts} />
      </div>
      <dl class="facts">
        <div>
          <dt>run</dt>
          <dd class="name">{run.runId}</dd>
        </div>
        <div>
          <dt>started</dt>
          <dd>
            <Time at={run.startedAt} />
          </dd>
        </div>
        {run.endedAt === undefined ? null : (
          <div>
            <dt>ended</dt>
            <dd>
              <Time at={run.endedAt} />
            </dd>
          </div>
        )}
        {run.scheduledAt === undefined ? null : (
          <div>
            <dt>scheduled</dt>
            <dd>
              <Time at={run.scheduledAt} show="clock" />{' '}
              <span class="quiet" title={wholeTime(startedMs, readerZone)}>
                (fired {clockTime(startedMs, readerZone)})
              </span>
            </dd>
          </div>
        )}
        <div>
          <dt>by</dt>
          <dd>{askedByText(run.trigger, askedBy)}</dd>
        </div>
        <div>
          <dt>mode</dt>
          <dd>
            {run.mode}
            {run.request.fullRefresh === true ? ', full refresh' : ''}
          </dd>
        </div>
        <div>
          <dt>on</dt>
          <dd>
            {run.host}, pid {run.pid}
          </dd>
        </div>
        {run.retryOf === undefined ? null : (
          <div>
            <dt>goes on from</dt>
            <dd>
              <a class="name" href={runPath(run.retryOf)}>
                {run.retryOf}
              </a>
            </dd>
          </div>
        )}
        {traceId === undefined ? null : (
          <div>
            <dt>trace</dt>
            <dd class="name">{traceId}</dd>
          </div>
        )}
        {links.length === 0 ? null : (
          <div>
            <dt>elsewhere</dt>
            <dd>
              <RunLinks links={links} />
            </dd>
          </div>
        )}
        {retriedBy === undefined ? null : (
          <div>
            <dt>gone on with by</dt>
            <dd>
              <a class="name" href={runPath(retriedBy)}>
                {retriedBy}
              </a>
            </dd>
          </div>
        )}
      </dl>
      {run.error === undefined ? null : <ErrorBox error={run.error} />}
      {run.reason === undefined ? null : (
        <p class="reason">
          <State state={run.state} />: <Prose text={run.reason} />
        </p>
      )}
    </div>
  );
}
