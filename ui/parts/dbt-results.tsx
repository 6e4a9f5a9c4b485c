import { useState } from 'preact/hooks';
import type { RunDbt } from '../../engine/api-run.ts';
import type { DbtResult } from '../../engine/event.ts';
import type { NodeRun, Run } from '../../engine/run.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { dbtGroups } from '../dbt-groups.ts';
import { countText, durationText } from '../figures.ts';
import { useOpened } from '../opened.ts';
import { tablePath } from '../routes.ts';
import { dbtLook } from '../states.ts';
import { Joined } from './joined.tsx';
import { Failure } from './messages.tsx';
import { OpenerCell } from './number-cell.tsx';
import { SqlText } from './sql-text.tsx';
import { Mark } from './state-mark.tsx';
import './dbt-results.css';

/** So many rows of a group are drawn before somebody asks for all. */
const shownAtFirst = 50;

interface Props {
  readonly run: Run;
  readonly node: NodeRun;
}

/** What dbt built and tested, the worst first; each opens to its message, its parents and the SQL that was sent. */
export function DbtResults({ run, node }: Props) {
  const [open, toggle] = useOpened();
  const [all, showAll] = useState<ReadonlySet<string>>(new Set());
  return (
    <>
      {dbtGroups(node.dbt).map(({ title, tally, results }) => {
        const shown = all.has(title) ? results : results.slice(0, shownAtFirst);
        return (
          <table key={title} class="rows dbt stacks">
            <caption>
              {title} <span class="quiet">{tally}</span>
            </caption>
            <thead>
              <tr>
                <th scope="col">name</th>
                <th scope="col">result</th>
                <th scope="col" class="number">
                  took
                </th>
                <th scope="col" class="number">
                  {title.endsWith('tests') ? 'found' : 'rows'}
                </th>
                <th scope="col">{title.endsWith('tests') ? 'message' : 'is'}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((result) => (
                <ResultRows
                  key={result.uniqueId}
                  run={run}
                  node={node}
                  result={result}
                  open={open.has(result.uniqueId)}
                  toggle={() => toggle(result.uniqueId)}
                />
              ))}
              {shown.length === results.length ? null : (
                <tr>
                  <td colSpan={5}>
                    <button type="button" onClick={() => showAll(new Set([...all, title]))}>
                      {countText(results.length - shown.length)} more
                    </button>
                  </td>
                </tr>
              )}
            </tbody>
          </table>
        );
      })}
    </>
  );
}

interface RowProps extends Props {
  readonly result: DbtResult;
  readonly open: boolean;
  readonly toggle: () => void;
}

function ResultRows({ run, node, result, open, toggle }: RowProps) {
  const look = dbtLook(result.status);
  const count = result.kind.endsWith('test') ? result.failures : result.rows;
  const wrong = look.tone === 'bad' || look.tone === 'warn';
  return (
    <>
      <tr class={open ? 'open' : ''}>
        <th scope="row">
          <button type="button" class="opener" aria-expanded={open} onClick={toggle}>
            <span class="turn" aria-hidden="true" />
            <span class="name">{result.name}</span>
          </button>
        </th>
        <td class="plainly">
          <span class="state">
            <Mark look={look} />
            <span class={`tone-${look.tone}`}>{look.word}</span>
          </span>
        </td>
        <OpenerCell toggle={toggle}>{durationText(result.durationMs)}</OpenerCell>
        <OpenerCell toggle={toggle}>{count === undefined ? undefined : countText(count)}</OpenerCell>
        <td class="did plainly">
          {wrong || result.relation === undefined ? firstLine(result.message) : <RelationName run={run} relation={result.relation} />}
        </td>
      </tr>
      {open ? (
        <tr class="node-more">
          <td colSpan={5}>
            <ResultMore run={run} node={node} result={result} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function firstLine(message: string | undefined): string {
  return message?.split('\n').find((line) => line.trim() !== '') ?? '';
}

function ResultMore({ run, node, result }: Props & { readonly result: DbtResult }) {
  const known = new Map(node.dbt.map((other) => [other.uniqueId, other]));
  const { message, relation, reads = [], dependsOn = [], path } = result;
  return (
    <div class="more dbt-more">
      {message === undefined || message.trim() === '' ? null : <pre class="dbt-message">{message}</pre>}
      <dl class="node-facts">
        {relation === undefined ? null : (
          <div>
            <dt>is</dt>
            <dd>
              <RelationName run={run} relation={relation} />
            </dd>
          </div>
        )}
        {reads.length === 0 ? null : (
          <div>
            <dt>reads</dt>
            <dd>
              <Joined names={reads} show={(read) => <RelationName run={run} relation={read} />} />
            </dd>
          </div>
        )}
        {dependsOn.length === 0 ? null : (
          <div>
            <dt>parents</dt>
            <dd>
              <Joined
                names={dependsOn}
                show={(id) => {
                  const parent = known.get(id);
                  return (
                    <>
                      <span class="name">{id}</span>
                      {parent === undefined ? '' : ` (${parent.status})`}
                    </>
                  );
                }}
              />
            </dd>
          </div>
        )}
        {path === undefined ? null : (
          <div>
            <dt>declared in</dt>
            <dd class="name">{path}</dd>
          </div>
        )}
      </dl>
      <CompiledSql runId={run.runId} node={node.id} result={result} />
    </div>
  );
}

/** Asked for when somebody opens the row. */
function CompiledSql({ runId, node, result }: { readonly runId: string; readonly node: string; readonly result: DbtResult }) {
  const { data, failure } = useAnswer<RunDbt>(paths.runDbt(runId, node, result.uniqueId));
  if (failure !== undefined) return <Failure what="Its SQL cannot be shown" failure={failure} />;
  if (data === undefined) return <p class="quiet">Asking for its SQL ...</p>;
  const sql = data.results[0]?.result.compiledSql;
  if (sql === undefined) return <p class="quiet">dbt compiled no SQL for it{result.status === 'skipped' ? ': it was skipped' : ''}.</p>;
  return <SqlText sql={sql} label={`SQL of ${result.name}`} />;
}

/** A relation of the warehouse; one that this run loaded has a page. */
function RelationName({ run, relation }: { readonly run: Run; readonly relation: string }) {
  const load = run.nodes.find(({ result }) => result?.facts.into === relation);
  if (load?.table === undefined) return <span class="name">{relation}</span>;
  return (
    <a class="name" href={tablePath(load.table)}>
      {relation}
    </a>
  );
}
