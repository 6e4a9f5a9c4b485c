import { useMemo } from 'preact/hooks';
import type { Overview } from '../../engine/api-overview.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { nowMs } from '../clock.ts';
import { countText } from '../figures.ts';
import { type OverviewFilter, shownPipelines, shownTables } from '../overview-order.ts';
import { FreshnessList } from '../parts/freshness.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { PipelineList, Standings } from '../parts/pipeline-list.tsx';
import { ProblemList } from '../parts/problem-list.tsx';
import { QueueList } from '../parts/queue-list.tsx';
import { setQuery, useAddress } from '../router.ts';
import { lookOf } from '../states.ts';

/** Is all well, and if not, what is wrong, why, and what now? */
export function OverviewPage() {
  const { data, failure, refresh } = useAnswer<Overview>(paths.overview);
  const { query } = useAddress();
  const filter: OverviewFilter = {
    search: query.get('search') ?? '',
    tag: query.get('tag') ?? undefined,
    state: query.get('state') ?? undefined,
  };
  if (data === undefined) {
    if (failure === undefined) return <Waiting what="Asking the daemon ..." />;
    return <Failure what="The overview cannot be shown" failure={failure} still="In a terminal: engine status, engine runs." />;
  }
  return (
    <>
      <h1 class="unseen">Overview</h1>
      {failure === undefined ? null : (
        <Failure what="The overview is not up to date" failure={failure} still="What is shown is from before." />
      )}
      <ProblemList data={data} asked={failure === undefined && data.storeDown === undefined} refresh={refresh} />
      <QueueList queue={data.queue} />
      <Pipelines data={data} filter={filter} />
      <Tables data={data} filter={filter} />
    </>
  );
}

interface Props {
  readonly data: Overview;
  readonly filter: OverviewFilter;
}

function Pipelines({ data: { pipelines, problems }, filter }: Props) {
  const { search, tag, state } = filter;
  const shown = useMemo(() => shownPipelines(pipelines, problems, filter), [pipelines, problems, search, tag, state]);
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
    <Section title="pipelines" note={<Standings pipelines={pipelines} chosen={state} />} side={<Filter filter={filter} />}>
      {pipelines.every(({ runs, live }) => runs.length === 0 && live === undefined) ? (
        <p class="quiet">
          Nothing has run yet: each pipeline begins at its next time, or by <strong>run now</strong> on its own page, which shows the plan
          first.
        </p>
      ) : null}
      {shown.length === 0 ? (
        <Empty title={`No pipeline matches ${wordsOf(filter)}`}>
          <a class="button" href="/">
            show all {countText(pipelines.length)}
          </a>
        </Empty>
      ) : (
        <PipelineList pipelines={shown} />
      )}
    </Section>
  );
}

function wordsOf({ search, tag, state }: OverviewFilter): string {
  return [search, tag === undefined ? '' : `#${tag}`, state === undefined ? '' : lookOf(state).word]
    .filter((word) => word !== '')
    .join(', ');
}

function Filter({ filter: { search, tag } }: { readonly filter: OverviewFilter }) {
  return (
    <span class="log-tools">
      {tag === undefined ? null : (
        <button type="button" aria-label={`#${tag}: show pipelines with any tag`} onClick={() => setQuery({ tag: undefined })}>
          #{tag} <span aria-hidden="true">×</span>
        </button>
      )}
      <input
        aria-label="filter pipelines and tables"
        type="search"
        placeholder="pipeline, table or tag"
        value={search}
        spellcheck={false}
        onInput={(event) => setQuery({ search: event.currentTarget.value })}
      />
    </span>
  );
}

function Tables({ data: { tables, pipelines }, filter }: Props) {
  const { search, tag, state } = filter;
  const shown = useMemo(() => shownTables(tables, pipelines, filter, nowMs()), [tables, pipelines, search, tag, state]);
  if (shown.length === 0) return null;
  return (
    <Section
      title="freshness"
      note="how far the lake, staging and analytics are behind the source; the mark is the limit, which staging is held to"
      side={<a href="/tables">all of each table</a>}
    >
      <FreshnessList tables={shown} />
    </Section>
  );
}
