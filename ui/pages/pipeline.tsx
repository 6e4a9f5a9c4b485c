import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PipelinePage as Page } from '../../engine/api.ts';
import type { PipelineGraph, PipelineGrid } from '../../engine/api-pipeline.ts';
import type { Run } from '../../engine/run.ts';
import { type Answer, useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText } from '../figures.ts';
import { withRun } from '../followed-grid.ts';
import { briefOf } from '../node-brief.ts';
import { Ahead } from '../parts/ahead.tsx';
import { GraphView } from '../parts/graph-view.tsx';
import { Empty, Failure, Section, Unanswered, Waiting } from '../parts/messages.tsx';
import { NextFires } from '../parts/next-fires.tsx';
import { PipelineHead } from '../parts/pipeline-head.tsx';
import { PipelineWhy } from '../parts/pipeline-why.tsx';
import { PlanChoice } from '../parts/plan-choice.tsx';
import { RunGrid } from '../parts/run-grid.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Since, Time } from '../parts/time.tsx';
import { YamlView } from '../parts/yaml-view.tsx';
import { askedWish } from '../plan-wish.ts';
import { setQuery, useAddress } from '../router.ts';
import { runPath, runsPath } from '../routes.ts';
import { useRun } from '../run-watch.ts';
import { isLive } from '../states.ts';

/** What a pipeline does, what became of it run by run, what it waits for, when it runs next, and what declares it. */
export function PipelinePage({ pipeline }: { readonly pipeline: string }) {
  const { data, failure, refresh } = useAnswer<Page>(paths.pipeline(pipeline));
  const graph = useAnswer<PipelineGraph>(paths.graph(pipeline));
  const { query } = useAddress();
  if (data === undefined) {
    if (failure?.status === 404)
      return (
        <Empty title={`There is no pipeline ${pipeline}`}>
          {failure.hint} The <a href="/">overview</a> has those that are declared; <a href={runsPath({ pipeline })}>runs</a> has what ran
          under that name.
        </Empty>
      );
    return (
      <>
        <Unanswered name={pipeline} what="pipeline" failure={failure} still={`In a terminal: engine why ${pipeline}`} />
        <Ahead of={[paths.grid(pipeline, query.get('before') ?? undefined), paths.yaml(pipeline)]} />
      </>
    );
  }
  const tables = [...new Set(graph.data?.nodes.flatMap(({ table }) => table ?? []))];
  return (
    <>
      <PipelineHead page={data} tables={tables} refresh={refresh} />
      {failure === undefined ? null : <Failure what="Not up to date" failure={failure} still="What is shown is from before." />}
      <GraphAndGrid pipeline={pipeline} graph={graph} />
      <div class="columns">
        <PipelineWhy page={data} />
        <NextFires page={data} />
      </div>
      <PlanPreview pipeline={pipeline} mode={data.mode} tables={tables} />
      <YamlView pipeline={pipeline} />
      <Runs page={data} />
    </>
  );
}

/** What is at work is followed as it goes, in both; what has ended stays as it is. */
function GraphAndGrid({ pipeline, graph }: { readonly pipeline: string; readonly graph: Answer<PipelineGraph> }) {
  const newest = graph.data?.run;
  const { page } = useRun(newest !== undefined && isLive(newest.state) ? newest.runId : undefined);
  return (
    <>
      <Graph pipeline={pipeline} graph={graph} followed={page?.run} />
      <Grid pipeline={pipeline} followed={page?.run} />
    </>
  );
}

interface GraphProps {
  readonly pipeline: string;
  readonly graph: Answer<PipelineGraph>;
  /** The run at work, as it is now. */
  readonly followed: Run | undefined;
}

function Graph({ pipeline, graph: { data, failure }, followed: live }: GraphProps) {
  const followed = new Map(live?.nodes.map((node) => [node.id, briefOf(node)]));
  const run = live ?? data?.run;
  const nodes = data?.nodes.map((node) => (followed.has(node.id) ? { ...node, last: followed.get(node.id) } : node)) ?? [];
  const note =
    run === undefined ? undefined : (
      <>
        {isLive(run.state) ? 'at work: ' : 'as of '}
        <a href={runPath(run.runId)}>
          run <span class="name">{run.runId}</span>
        </a>
        {isLive(run.state) ? (
          <>
            {' for '}
            <Since at={run.startedAt} />
          </>
        ) : (
          <>
            {', '}
            <Time at={run.startedAt} />
          </>
        )}
        {data === undefined || data.patterns.length === 0 ? null : (
          <>
            ; its tables are those that <span class="name">{data.patterns.join(', ')}</span> brought
          </>
        )}
      </>
    );
  return (
    <Section title="graph" note={note}>
      {failure === undefined ? null : <Failure what="The graph is not up to date" failure={failure} />}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for its nodes ..." />
        ) : null
      ) : nodes.length === 0 ? (
        <Empty title="Its tables are not known yet">
          <span class="name">{data.patterns.join(', ')}</span> is answered by the source when a run begins. <strong>run now</strong> above
          shows what it would bring.
        </Empty>
      ) : (
        <GraphView pipeline={pipeline} nodes={nodes} runId={run?.runId} />
      )}
    </Section>
  );
}

/** Of a run at work only its own column changes, and that is followed: what else there is may be asked for more seldom. */
const followedMs = 15_000;

function Grid({ pipeline, followed }: Pick<GraphProps, 'pipeline' | 'followed'>) {
  const { query } = useAddress();
  const before = query.get('before') ?? undefined;
  const [known, know] = useState(false);
  const { data: told, failure } = useAnswer<PipelineGrid>(paths.grid(pipeline, before), known ? followedMs : undefined);
  const has = followed !== undefined && told?.runs.some(({ runId }) => runId === followed.runId) === true;
  useEffect(() => know(has), [has]);
  // What was seen of it last holds until the grid knows its end.
  const seen = useRef<Run | undefined>(undefined);
  if (followed !== undefined) seen.current = followed;
  const run = seen.current;
  // Drawn again when a node's state changes, not with each row it counts.
  const states = run?.nodes.map(({ state, attempts }) => `${state}${attempts.length}`).join(' ');
  const data = useMemo(() => (told === undefined || run === undefined ? told : withRun(told, run)), [told, states, run?.runId]);
  const newest = data?.runs[0];
  return (
    <Section
      title="grid"
      note={
        newest === undefined ? (
          'each node in each of the last runs'
        ) : before === undefined ? (
          `${countText(data?.runs.length ?? 0, 'run')}, the newest right`
        ) : (
          <>
            {countText(data?.runs.length ?? 0, 'run')} up to <Time at={newest.startedAt} />
          </>
        )
      }
      side={
        <span class="acts">
          {data?.next === undefined ? null : (
            <button type="button" onClick={() => setQuery({ before: data.next })}>
              older runs
            </button>
          )}
          {before === undefined ? null : (
            <button type="button" onClick={() => setQuery({ before: undefined })}>
              newest runs
            </button>
          )}
        </span>
      }
    >
      {failure === undefined ? null : <Failure what="The grid is not up to date" failure={failure} />}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for its runs ..." />
        ) : null
      ) : newest === undefined ? (
        <Empty title={before === undefined ? 'It never ran' : 'There are no older runs'}>
          {before === undefined ? (
            <>
              Its runs will be here, a column each. <strong>run now</strong> above starts one, after it has shown its plan.
            </>
          ) : (
            'Old ones are removed after a while.'
          )}
        </Empty>
      ) : (
        <RunGrid key={before} pipeline={pipeline} grid={data} />
      )}
    </Section>
  );
}

interface PlanPreviewProps {
  readonly pipeline: string;
  readonly mode: 'full' | 'incremental';
  readonly tables: readonly string[];
}

/** Made when it is asked for: it reads the catalogs of source and sink. Whether it is, in full, and of which tables stands in the address. */
function PlanPreview({ pipeline, mode, tables }: PlanPreviewProps) {
  const { query } = useAddress();
  const wish = askedWish(query, tables);
  const [round, setRound] = useState(0);
  return (
    <Section
      title="plan"
      note="what a run would do now; making it changes nothing"
      side={
        <span class="acts">
          <button
            type="button"
            onClick={() => {
              setRound(round + 1);
              if (wish === undefined) setQuery({ plan: 'now' });
            }}
          >
            {wish === undefined ? 'make the plan' : 'make it again'}
          </button>
          {wish === undefined ? null : (
            <button type="button" onClick={() => setQuery({ plan: undefined, tables: undefined })}>
              close the plan
            </button>
          )}
        </span>
      }
    >
      {wish === undefined ? null : (
        <PlanChoice
          key={round}
          pipeline={pipeline}
          mode={mode}
          tables={tables}
          wish={wish}
          setWish={({ fullRefresh, tables: chosen }) => setQuery({ plan: fullRefresh ? 'full' : 'now', tables: chosen })}
        />
      )}
    </Section>
  );
}

const runsListed = 10;

function Runs({ page: { pipeline, history } }: { readonly page: Page }) {
  if (history.runs.length === 0) return null;
  const runs = history.runs.slice(0, runsListed);
  return (
    <Section title="runs" note={`the last ${runs.length}`} side={<a href={runsPath({ pipeline })}>all of them</a>}>
      <RunList runs={runs} ofOne />
    </Section>
  );
}
