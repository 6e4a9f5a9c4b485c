import { useEffect } from 'preact/hooks';
import type { TablePage as Page, TableLive } from '../../engine/api-table.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { nowMs } from '../clock.ts';
import { countText, spanText } from '../figures.ts';
import { freshnessLook, freshnessOf } from '../freshness.ts';
import { Ahead } from '../parts/ahead.tsx';
import { ColumnWays } from '../parts/column-ways.tsx';
import { Joined } from '../parts/joined.tsx';
import { commitsPath, LakeCommits } from '../parts/lake-commits.tsx';
import { pipelineLink } from '../parts/links.tsx';
import { fetchCharts, LoadChart } from '../parts/load-chart.tsx';
import { Empty, Failure, Section, Unanswered } from '../parts/messages.tsx';
import { Prose } from '../parts/prose.tsx';
import { RowPreview } from '../parts/row-preview.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { TableModels } from '../parts/table-models.tsx';
import { TableStages } from '../parts/table-stages.tsx';
import { Time } from '../parts/time.tsx';
import { useAddress } from '../router.ts';
import { pipelinePath, runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import './table.css';

/** How old is it, where is it, what is in it, and what became of it lately? */
export function TablePage({ table }: { readonly table: string }) {
  const { data, failure } = useAnswer<Page>(paths.table(table));
  const { data: live, failure: blind } = useAnswer<TableLive>(paths.tableLive(table));
  const { query } = useAddress();
  useEffect(fetchCharts, []);
  const there = data !== undefined;
  // A part is not there yet when its link is followed.
  useEffect(() => {
    if (there && window.location.hash !== '') document.getElementById(window.location.hash.slice(1))?.scrollIntoView();
  }, [there]);
  if (data === undefined) {
    if (failure?.status === 404)
      return (
        <Empty title={`There is no table ${table}`}>
          {failure.hint} <a href="/tables">Tables</a> has all of them.
        </Empty>
      );
    return (
      <>
        <Unanswered name={table} what="table" failure={failure} still="In a terminal: engine why, engine query." />
        <Ahead of={[paths.tableLoads(table), commitsPath(table, query)]} />
      </>
    );
  }
  return (
    <>
      {failure === undefined ? null : (
        <Failure what="The table cannot be followed" failure={failure} still="What is shown is from before." />
      )}
      <Head page={data} />
      <TableStages page={data} live={live} />
      {blind === undefined ? null : (
        <Failure what="Its places cannot be looked at" failure={blind} still="What the store and the lake's log know is below." />
      )}
      <LoadChart table={table} limitMs={data.limitMs} />
      {live === undefined || live.columns.length === 0 ? null : <ColumnWays columns={live.columns} />}
      {live === undefined ? null : <TableModels models={live.analytics.found?.models ?? []} />}
      <LakeCommits table={table} />
      <RowPreview table={table} into={live?.staging.found?.relation ?? data.declared?.into} />
      <Nodes page={data} />
    </>
  );
}

function Head({ page }: { readonly page: Page }) {
  const { table, pipelines, asOf, limitMs, heldBy, declared, nodes } = page;
  const look = freshnessLook(freshnessOf(page, asOf === undefined ? undefined : nowMs() - Date.parse(asOf)));
  const [newest] = nodes;
  return (
    <div class="head">
      <div class="head-line">
        <h1>
          <span class="state">
            <Mark look={look} />
            <span class="name">{table}</span>
          </span>
        </h1>
        <span class="head-state">
          <strong class={`tone-${look.tone}`}>{look.word}</strong>
          {limitMs === undefined ? null : (
            <>
              {' '}
              <a href={pipelinePath(pipelines[0] ?? '')} title={`alerts.freshness, the strictest of ${pipelines.join(', ')}`}>
                of {spanText(limitMs)}
              </a>
            </>
          )}
        </span>
        {newest === undefined ? null : (
          <a class="button" href={runPath(newest.runId)}>
            its newest run
          </a>
        )}
      </div>
      <dl class="facts">
        <div>
          <dt>pipelines</dt>
          <dd>
            <Joined names={pipelines} show={pipelineLink} />
          </dd>
        </div>
        {declared === undefined ? (
          <div>
            <dt>declared</dt>
            <dd>by a pattern, with the settings under defaults</dd>
          </div>
        ) : (
          <>
            <div>
              <dt>key</dt>
              <dd class="name">{declared.key?.join(', ') ?? 'the primary key'}</dd>
            </div>
            <div>
              <dt>cursor</dt>
              <dd class="name">{declared.cursor ?? 'none: taken whole'}</dd>
            </div>
            <div>
              <dt>load</dt>
              <dd>{declared.load}</dd>
            </div>
          </>
        )}
      </dl>
      {heldBy === undefined ? null : (
        <p class="reason">
          <Mark look={lookOf('retrying')} /> Its fence is held back by <Prose text={heldBy} />.{' '}
          <span class="quiet">
            No row is missing: what is committed is there, and the rows of that transaction come once it commits. Until then each run reads
            again from where the fence stands.
          </span>
        </p>
      )}
    </div>
  );
}

/** A retry keeps what succeeded before: it made no attempt. */
function isKept({ state, attempts }: Pick<Page['nodes'][number], 'state' | 'attempts'>): boolean {
  return state === 'succeeded' && attempts === 0;
}

function Nodes({ page }: { readonly page: Page }) {
  return (
    <Section title="what became of it" note={page.nodes.length === 0 ? undefined : `its newest ${countText(page.nodes.length)} nodes`}>
      {page.nodes.length === 0 ? (
        <Empty title="It was never taken">
          What runs did with it will be here. <a href={pipelinePath(page.pipelines[0] ?? '')}>{page.pipelines[0]}</a> can be started now.
        </Empty>
      ) : (
        <Scroll label="what became of it">
          <table class="rows wide stacks">
            <thead>
              <tr>
                <th scope="col">node</th>
                <th scope="col">state</th>
                <th scope="col">ended</th>
                <th scope="col">pipeline</th>
                <th scope="col">did</th>
              </tr>
            </thead>
            <tbody>
              {page.nodes.map(({ runId, node, state, attempts, endedAt, pipeline, summary }) => (
                <tr key={`${runId} ${node}`}>
                  <th scope="row" class="nowrap">
                    <a class="name" href={runPath(runId, node)}>
                      {node}
                    </a>
                  </th>
                  <td class="plainly">
                    <State state={state} />
                  </td>
                  <td class="nowrap">
                    {endedAt === undefined || isKept({ state, attempts }) ? <span class="quiet nothing">-</span> : <Time at={endedAt} />}
                  </td>
                  <td>{pipelineLink(pipeline)}</td>
                  <td class="did plainly">
                    {isKept({ state, attempts }) ? (
                      <span class="quiet">not done again: kept from the run that this one goes on from</span>
                    ) : summary === undefined ? null : (
                      <Prose text={summary} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Section>
  );
}
