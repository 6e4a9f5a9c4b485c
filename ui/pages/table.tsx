import type { TablePage as Page } from '../../engine/api-table.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText, spanText } from '../figures.ts';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { State } from '../parts/state-mark.tsx';
import { Time } from '../parts/time.tsx';
import { pipelinePath, runPath } from '../routes.ts';

/** How old is it, where is it, what is in it, and what became of it lately? */
export function TablePage({ table }: { readonly table: string }) {
  const { data, failure } = useAnswer<Page>(paths.table(table));
  if (data === undefined) {
    if (failure === undefined) return <Waiting what="Asking for the table ..." />;
    if (failure.status === 404)
      return (
        <Empty title={`There is no table ${table}`}>
          {failure.hint} <a href="/tables">Tables</a> has all of them.
        </Empty>
      );
    return <Failure what={`Table ${table} cannot be shown`} failure={failure} still="In a terminal: engine why, engine query." />;
  }
  return (
    <>
      {failure === undefined ? null : (
        <Failure what="The table cannot be followed" failure={failure} still="What is shown is from before." />
      )}
      <Head page={data} />
      <Loads page={data} />
      <Versions page={data} />
    </>
  );
}

function Head({ page }: { readonly page: Page }) {
  const { table, pipelines, asOf, limitMs, heldBy } = page;
  return (
    <div class="head">
      <div class="head-line">
        <h1 class="name">{table}</h1>
      </div>
      <dl class="facts">
        <div>
          <dt>pipelines</dt>
          <dd>
            {pipelines.map((pipeline, i) => (
              <span key={pipeline}>
                {i === 0 ? '' : ', '}
                <a class="name" href={pipelinePath(pipeline)}>
                  {pipeline}
                </a>
              </span>
            ))}
          </dd>
        </div>
        <div>
          <dt>in staging: all of the source up to</dt>
          <dd>{asOf === undefined ? 'never loaded' : <Time at={asOf} />}</dd>
        </div>
        {limitMs === undefined ? null : (
          <div>
            <dt>limit</dt>
            <dd>{spanText(limitMs)}</dd>
          </div>
        )}
        {heldBy === undefined ? null : (
          <div>
            <dt>held back by</dt>
            <dd>{heldBy}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

function Loads({ page }: { readonly page: Page }) {
  return (
    <Section title="nodes" note={`the newest ${countText(page.nodes.length)}`}>
      <div class="scroll">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">node</th>
              <th scope="col">state</th>
              <th scope="col">ended</th>
              <th scope="col" class="number">
                rows
              </th>
              <th scope="col">did</th>
            </tr>
          </thead>
          <tbody>
            {page.nodes.map(({ runId, node, state, endedAt, rows, summary }) => (
              <tr key={`${runId} ${node}`}>
                <th scope="row">
                  <a class="name" href={runPath(runId, node)}>
                    {node}
                  </a>
                </th>
                <td>
                  <State state={state} />
                </td>
                <td class="nowrap">{endedAt === undefined ? <span class="quiet">-</span> : <Time at={endedAt} />}</td>
                <td class="number">{rows === undefined ? <span class="quiet">-</span> : countText(rows)}</td>
                <td class="did">{summary}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Versions({ page }: { readonly page: Page }) {
  const { versions } = page;
  return (
    <Section title="lake" note={versions.length === 0 ? undefined : `the newest ${countText(versions.length)} commits`}>
      {versions.length === 0 ? (
        <Empty title="Nothing is in the lake">{page.lakeTrouble ?? 'The first extract brings it there.'}</Empty>
      ) : (
        <div class="scroll">
          <table class="rows">
            <thead>
              <tr>
                <th scope="col" class="number">
                  version
                </th>
                <th scope="col">at</th>
                <th scope="col">operation</th>
                <th scope="col" class="number">
                  rows
                </th>
                <th scope="col" class="number">
                  files
                </th>
              </tr>
            </thead>
            <tbody>
              {versions.map(({ version, at, operation, rows, files }) => (
                <tr key={version}>
                  <td class="number">v{version}</td>
                  <td class="nowrap">
                    <Time at={at} />
                  </td>
                  <td>{operation}</td>
                  <td class="number">{rows === undefined ? <span class="quiet">-</span> : countText(rows)}</td>
                  <td class="number">{countText(files)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
