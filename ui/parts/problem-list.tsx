import type { ConnectionState, ConnectionsPage } from '../../engine/api-connections.ts';
import type { Overview, PipelineBrief } from '../../engine/api-overview.ts';
import type { Problem } from '../../engine/problem.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText } from '../figures.ts';
import { pauseAct, resumeAct, useTriggerAct } from '../pipeline-acts.tsx';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import { retryAct } from '../run-acts.tsx';
import { type Look, lookOf } from '../states.ts';
import { type Act, Acts } from './act.tsx';
import { Section } from './messages.tsx';
import './problem-list.css';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

interface Props {
  readonly data: Overview;
  /** The newest question about them was answered. */
  readonly asked: boolean;
  readonly refresh: () => void;
}

/** What needs attention, the worst first: what is wrong since when and why, and what can be done about it right there. */
export function ProblemList({ data, asked, refresh }: Props) {
  const { problems, pipelines } = data;
  const { data: answering, failure: unlooked } = useAnswer<ConnectionsPage>(paths.connections);
  // That the store is silent is told on top of every page.
  const silent = answering?.connections.filter(({ state, kind }) => state === 'silent' && kind !== 'store') ?? [];
  const count = problems.length + silent.length;
  if (count === 0) {
    // All is well only where all of it is known.
    const looked = answering !== undefined && unlooked === undefined;
    return (
      <section class="calm" aria-label="needs attention">
        {asked && looked ? <Mark look={lookOf('succeeded')} /> : null}
        <span>
          {!asked
            ? 'Nothing needed attention when that was known last.'
            : looked
              ? 'Nothing needs attention.'
              : unlooked === undefined
                ? 'No run and no table needs attention; whether everything answers is being looked at.'
                : 'No run and no table needs attention; whether everything answers is not known.'}
        </span>
      </section>
    );
  }
  return (
    <Section title="needs attention" note={countText(count)}>
      <ul class="problems">
        {silent.map((each) => (
          <Silent key={`${each.kind} ${each.name}`} connection={each} />
        ))}
        {problems.map((problem) => {
          const of = problem.pipeline ?? pipelineOf(problem.table, data);
          const view = pipelines.find(({ pipeline }) => pipeline === of);
          return view === undefined ? (
            <Row key={problem.key} problem={problem} acts={actsOnRun(problem)} why={of} />
          ) : (
            <RowOfPipeline key={problem.key} problem={problem} view={view} refresh={refresh} />
          );
        })}
      </ul>
    </Section>
  );
}

/** What a run would fail on. */
function Silent({ connection: { kind, name, since, why, hint } }: { readonly connection: ConnectionState }) {
  return (
    <li data-row>
      <Mark look={lookOf('failed')} />
      <span class="problem-name name">{name}</span>
      <div class="problem-text">
        <p>
          <strong class="tone-bad">no answer</strong> <Time at={since} />: {kind === name ? `the ${kind}` : `${kind} ${name}`} does not
          answer: <Prose text={why ?? 'nothing is known of it'} />
        </p>
        <p class="hint">
          {hint === undefined ? null : <Prose text={`${hint} `} />}What is shown of runs is right; runs that need it will fail and be tried
          again.
        </p>
      </div>
    </li>
  );
}

/** The pipeline that keeps a table fresh: of several, one with a schedule. */
function pipelineOf(table: string | undefined, { tables, pipelines }: Overview): string | undefined {
  const of = tables.find((view) => view.table === table)?.pipelines ?? [];
  return pipelines.find(({ pipeline, schedules }) => of.includes(pipeline) && schedules.length > 0)?.pipeline ?? of[0];
}

function actsOnRun({ kind, runId }: Problem): readonly Act[] {
  return kind === 'failed' && runId !== undefined ? [retryAct(runId)] : [];
}

function RowOfPipeline({
  problem,
  view,
  refresh,
}: {
  readonly problem: Problem;
  readonly view: PipelineBrief;
  readonly refresh: () => void;
}) {
  const { pipeline, mode, paused, live, schedules } = view;
  const runNow = useTriggerAct(pipeline, mode);
  const acts = [
    ...actsOnRun(problem),
    ...(live === undefined && (problem.kind === 'missed' || problem.kind === 'stale') ? [runNow] : []),
    ...(paused !== undefined
      ? [resumeAct(pipeline, refresh)]
      : problem.kind === 'failed' && schedules.length > 0
        ? [pauseAct(pipeline, refresh)]
        : []),
  ];
  return <Row problem={problem} acts={acts} why={pipeline} />;
}

function Row({ problem, acts, why }: { readonly problem: Problem; readonly acts: readonly Act[]; readonly why: string | undefined }) {
  const { pipeline, table, runId } = problem;
  const look = lookOfProblem(problem);
  return (
    <li data-row>
      <Mark look={look} />
      <span class="problem-name name">
        {pipeline !== undefined ? (
          <a href={pipelinePath(pipeline)}>{pipeline}</a>
        ) : table !== undefined ? (
          <a href={tablePath(table)}>{table}</a>
        ) : (
          'daemon'
        )}
      </span>
      <div class="problem-text">
        <p>
          <strong class={`tone-${look.tone}`}>{look.word}</strong> <Time at={problem.since} />: <Prose text={problem.text} />
        </p>
        <p class="hint">
          <Prose text={problem.hint} />
        </p>
      </div>
      <Acts acts={acts}>
        {runId === undefined ? null : (
          <a class="button" href={`${runPath(runId)}#log`} aria-label={`log of run ${runId}`}>
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

/** Its kind as the word. */
export function lookOfProblem({ kind, severity }: Problem): Look {
  const { shape, tone } = lookOf(severity === 'error' ? 'failed' : 'retrying');
  // The same shape as in the schedule, where it is there too.
  return { shape: kind === 'missed' || kind === 'late' ? lookOf(kind).shape : shape, tone, word: kind };
}
