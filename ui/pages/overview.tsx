import { useMemo } from 'preact/hooks';
import type { Overview, PipelineBrief, TableBrief } from '../../engine/api-overview.ts';
import type { Problem } from '../../engine/problem.ts';
import type { QueueEntry } from '../../engine/queue.ts';
import type { RunBrief } from '../../engine/run.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText, durationText, shortCount } from '../figures.ts';
import { Acts } from '../parts/act.tsx';
import { Freshness } from '../parts/freshness.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Prose } from '../parts/prose.tsx';
import { RunBars } from '../parts/run-bars.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { Since, Time } from '../parts/time.tsx';
import { pipelinePath, runPath } from '../routes.ts';
import { dequeueAct, retryAct } from '../run-acts.tsx';
import { type Look, lookOf } from '../states.ts';

/** Is all well, and if not, what is wrong, why, and what now? */
export function OverviewPage() {
  const { data, failure } = useAnswer<Overview>(paths.overview);
  if (data === undefined) {
    if (failure === undefined) return <Waiting what="Asking the daemon ..." />;
    return <Failure what="The overview cannot be shown" failure={failure} still="In a terminal: engine status, engine runs." />;
  }
  return (
    <>
      <h1 class="unseen">Overview</h1>
      <Problems data={data} />
      <Pipelines pipelines={data.pipelines} />
      <Tables tables={data.tables} />
      <Queue queue={data.queue} />
    </>
  );
}

function Problems({ data }: { readonly data: Overview }) {
  const { problems } = data;
  if (problems.length === 0)
    return (
      <section class="calm" aria-label="needs attention">
        <Mark look={lookOf('succeeded')} />
        <span>Nothing needs attention.</span>
      </section>
    );
  return (
    <Section title="needs attention" note={countText(problems.length)}>
      <ul class="problems">
        {problems.map((problem) => (
          <ProblemRow key={problem.key} problem={problem} why={problem.pipeline ?? pipelineOf(problem.table, data)} />
        ))}
      </ul>
    </Section>
  );
}

/** The pipeline that keeps a table fresh: of several, one with a schedule. */
function pipelineOf(table: string | undefined, { tables, pipelines }: Overview): string | undefined {
  const of = tables.find((view) => view.table === table)?.pipelines ?? [];
  return pipelines.find(({ pipeline, schedules }) => of.includes(pipeline) && schedules.length > 0)?.pipeline ?? of[0];
}

function ProblemRow({ problem, why }: { readonly problem: Problem; readonly why: string | undefined }) {
  const { pipeline, table, runId, kind } = problem;
  const look = lookOfProblem(problem);
  const name = pipeline ?? table ?? 'daemon';
  const canRetry = kind === 'failed' && runId !== undefined;
  return (
    <li>
      <Mark look={look} />
      <span class="problem-name name">{pipeline === undefined ? name : <a href={pipelinePath(pipeline)}>{name}</a>}</span>
      <div class="problem-text">
        <p>
          <strong class={`tone-${look.tone}`}>{look.word}</strong> <Time at={problem.since} />: <Prose text={problem.text} />
        </p>
        <p class="hint">
          <Prose text={problem.hint} />
        </p>
      </div>
      <Acts acts={canRetry ? [retryAct(runId)] : []}>
        {runId === undefined ? null : (
          <a class="button" href={runPath(runId)} aria-label={`log of run ${runId}`}>
            log
          </a>
        )}
        {why === undefined ? null : (
          <a class="button" href={`${pipelinePath(why)}#why`} aria-label={`why: what ${why} waits for`}>
            why
          </a>
        )}
      </Acts>
    </li>
  );
}

function lookOfProblem({ kind, severity }: Problem): Look {
  return { ...lookOf(severity === 'error' ? 'failed' : 'retrying'), word: kind };
}

function Pipelines({ pipelines }: { readonly pipelines: readonly PipelineBrief[] }) {
  if (pipelines.length === 0)
    return (
      <Section title="pipelines">
        <Empty title="No pipeline is declared">
          Each pipeline of <span class="name">pipelines.yaml</span> has a line here. <span class="name">engine init --sample</span> writes a
          project with four of them; the file is taken in as it is saved.
        </Empty>
      </Section>
    );
  return (
    <Section title="pipelines" note={countText(pipelines.length)}>
      <div class="scroll">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">pipeline</th>
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
            {pipelines.map((view) => (
              <PipelineRow key={view.pipeline} view={view} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

/** Drawn again only when what is told of it is something else. */
function PipelineRow({ view }: { readonly view: PipelineBrief }) {
  return useMemo(() => <PipelineCells view={view} />, [view]);
}

function PipelineCells({ view }: { readonly view: PipelineBrief }) {
  const { pipeline, schedules, next, paused, live, runs, rowsLoaded, medianMs } = view;
  const [newest] = runs;
  const state = live?.state ?? newest?.state ?? 'never';
  const ended = runs.find((run) => run.tookMs !== undefined);
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Mark look={lookOf(state)} label={lookOf(state).word} />
          <a class="name" href={pipelinePath(pipeline)}>
            {pipeline}
          </a>
        </span>
      </th>
      <td>
        {schedules.length === 0 ? <span class="quiet">by hand</span> : null}
        {schedules.map((schedule) => (
          <span key={`${schedule.cron} ${schedule.timezone}`} class="line" title={`${schedule.cron} ${schedule.timezone}`}>
            {schedule.words}
          </span>
        ))}
      </td>
      <td class="nowrap">
        {paused !== undefined ? (
          <span class="state" title={`by ${paused.by}`}>
            <Mark look={lookOf('paused')} />
            <span>
              paused{' '}
              {paused.at === undefined ? (
                'in pipelines.yaml'
              ) : (
                <>
                  for <Since at={paused.at} />
                </>
              )}
            </span>
          </span>
        ) : next === undefined ? (
          <span class="quiet">-</span>
        ) : (
          <Time at={next} />
        )}
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
      <td>
        <RunBars runs={runs} />
      </td>
      <td class="number">
        {rowsLoaded === 0 ? <span class="quiet">-</span> : <span title={countText(rowsLoaded, 'row')}>{shortCount(rowsLoaded)}</span>}
      </td>
      <td class="number">
        {ended?.tookMs === undefined ? <span class="quiet">-</span> : <a href={runPath(ended.runId)}>{durationText(ended.tookMs)}</a>}
      </td>
      <td class="number">{medianMs === undefined ? <span class="quiet">-</span> : durationText(medianMs)}</td>
    </tr>
  );
}

function endOf({ startedAt, tookMs }: RunBrief): string {
  return tookMs === undefined ? startedAt : new Date(Date.parse(startedAt) + tookMs).toISOString();
}

function Tables({ tables }: { readonly tables: readonly TableBrief[] }) {
  if (tables.length === 0) return null;
  return (
    <Section title="freshness" note="how far staging is behind the source">
      <div class="scroll">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">table</th>
              <th scope="col">behind, against its limit</th>
              <th scope="col" class="number">
                now
              </th>
              <th scope="col" class="number">
                limit
              </th>
              <th scope="col">all of the source up to</th>
              <th scope="col" class="number">
                lake
              </th>
              <th scope="col" class="number">
                last load
              </th>
              <th scope="col">held back by</th>
            </tr>
          </thead>
          <tbody>
            {tables.map((table) => (
              <Freshness key={table.table} table={table} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Queue({ queue }: { readonly queue: readonly QueueEntry[] }) {
  if (queue.length === 0) return null;
  return (
    <Section title="queue" note={`${countText(queue.length)} waiting`}>
      <ul class="queue">
        {queue.map((entry) => (
          <li key={entry.id}>
            <State state="queued" />
            <a class="name" href={pipelinePath(entry.pipeline)}>
              {entry.pipeline}
            </a>
            <span>
              {entry.kind === 'fire' && entry.scheduledAt !== undefined ? (
                <>
                  its time <Time at={entry.scheduledAt} show="clock" />
                </>
              ) : entry.kind === 'resume' ? (
                'goes on with a run'
              ) : (
                `asked for by ${entry.askedBy}`
              )}
            </span>
            <span class="quiet">
              for <Since at={entry.notedAt} />: <Prose text={entry.reason ?? 'its turn comes within a second'} />
            </span>
            <Acts acts={[dequeueAct(entry)]} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
