import { useEffect, useRef } from 'preact/hooks';
import type { PipelinePage } from '../../engine/api.ts';
import type { Overview } from '../../engine/api-overview.ts';
import type { Problem } from '../../engine/problem.ts';
import type { QueueEntry } from '../../engine/queue.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { leftOutState } from '../left-out.ts';
import { runPath, tablePath } from '../routes.ts';
import { dequeueAct } from '../run-acts.tsx';
import { lookOf } from '../states.ts';
import { Acts } from './act.tsx';
import { Section } from './messages.tsx';
import { lookOfProblem } from './problem-list.tsx';
import { Prose } from './prose.tsx';
import { Mark, State } from './state-mark.tsx';
import { Since, Time } from './time.tsx';

const recentShown = 8;

/** What is wrong with a pipeline or its tables, what it does or waits for, and what was left out lately, each with its reason. */
export function PipelineWhy({ page }: { readonly page: PipelinePage }) {
  const part = useRef<HTMLDivElement>(null);
  // The part is not there yet when its link is followed.
  useEffect(() => {
    if (window.location.hash === '#why') part.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const { pipeline, tables, live, paused, waiting, entries, next } = page;
  // The bar has it in any case.
  const { data: overview } = useAnswer<Overview>(paths.overview);
  const problems = overview?.problems.filter((problem) => problem.pipeline === pipeline || tables.includes(problem.table ?? '')) ?? [];
  const leftOut = entries.filter(({ state }) => state !== 'queued' && state !== 'started').slice(0, recentShown);
  return (
    <div id="why" ref={part}>
      <Section title="why" note="what is wrong, what it does or waits for">
        <ul class="plain-list">
          {problems.map((problem) => (
            <ProblemLine key={problem.key} problem={problem} />
          ))}
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
              <State state={leftOutState(entry)} /> {whatOf(entry)}, <Time at={entry.notedAt} show="away" />:{' '}
              <Prose text={entry.reason ?? 'no reason was kept'} />
            </li>
          ))}
        </ul>
      </Section>
    </div>
  );
}

function ProblemLine({ problem }: { readonly problem: Problem }) {
  const { table, since, text, hint } = problem;
  const look = lookOfProblem(problem);
  return (
    <li>
      <span class="state">
        <Mark look={look} />
        <strong class={`tone-${look.tone}`}>{look.word}</strong>
      </span>{' '}
      {table === undefined ? null : (
        <>
          <a class="name" href={tablePath(table)}>
            {table}
          </a>{' '}
        </>
      )}
      <Time at={since} />: <Prose text={text} />
      <div class="quiet">
        <Prose text={hint} />
      </div>
    </li>
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
