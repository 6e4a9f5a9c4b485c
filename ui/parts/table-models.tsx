import type { ModelNow } from '../../engine/api-table.ts';
import { bytesText, countText, shortCount } from '../figures.ts';
import { runPath } from '../routes.ts';
import { dbtLook } from '../states.ts';
import { Empty, Section } from './messages.tsx';
import { NumberCell } from './number-cell.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

/** What dbt makes of a table, those that read it first. */
export function TableModels({ models }: { readonly models: readonly ModelNow[] }) {
  return (
    <Section id="analytics" title="analytics" note={models.length === 0 ? undefined : countText(models.length, 'model')}>
      {models.length === 0 ? (
        <Empty title="No model reads it">
          Models that a build of the newest runs made of it, and what their tests found, are shown here.{' '}
          <span class="name">dbt: [...]</span> of a pipeline names what is built after its loads.
        </Empty>
      ) : (
        <Scroll label="models">
          <table class="rows stacks">
            <thead>
              <tr>
                <th scope="col">model</th>
                <th scope="col">relation</th>
                <th scope="col">is a</th>
                <th scope="col" class="number">
                  rows
                </th>
                <th scope="col" class="number">
                  size
                </th>
                <th scope="col">built</th>
                <th scope="col">tests</th>
              </tr>
            </thead>
            <tbody>
              {models.map((model) => (
                <Line key={model.uniqueId} model={model} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Section>
  );
}

function Line({ model }: { readonly model: ModelNow }) {
  const { name, kind, relation, stands, rows, bytes, status, runId, builtAt, direct, tests } = model;
  const look = dbtLook(status);
  const none = <span class="quiet nothing">-</span>;
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Mark look={look} label={look.word} />
          <span class="name">{name}</span>
          {direct ? null : <span class="quiet">reads another one</span>}
        </span>
      </th>
      <td class="name">{relation ?? none}</td>
      <td>{kind === 'model' ? (stands ?? none) : kind}</td>
      <NumberCell
        to={runPath(runId, 'dbt')}
        again
        title={rows === undefined ? undefined : `an estimate of the server: ${countText(Math.round(rows), 'row')}`}
      >
        {rows === undefined ? undefined : `~${shortCount(rows)}`}
      </NumberCell>
      <NumberCell to={runPath(runId, 'dbt')} again title="as the server has it">
        {bytes === undefined || stands === 'view' ? undefined : `~${bytesText(bytes)}`}
      </NumberCell>
      <td class="nowrap">
        <a href={runPath(runId, 'dbt')}>
          {look.word} <Time at={builtAt} show="away" />
        </a>
      </td>
      <td>
        {tests.passed + tests.warned + tests.failed.length === 0 ? <span class="quiet">none</span> : null}
        {tests.failed.map((test) => (
          <span key={test} class="state line">
            <Mark look={dbtLook('fail')} />
            <span class="name tone-bad">{test}</span>
          </span>
        ))}
        {tests.warned === 0 ? null : (
          <span class="state line">
            <Mark look={dbtLook('warn')} />
            <a href={runPath(runId, 'dbt')} tabIndex={-1}>
              {countText(tests.warned)} with a warning
            </a>
          </span>
        )}
        {tests.passed === 0 ? null : (
          <span class="state line">
            <Mark look={dbtLook('pass')} />
            <a href={runPath(runId, 'dbt')} tabIndex={-1}>
              {countText(tests.passed)} passed
            </a>
          </span>
        )}
      </td>
    </tr>
  );
}
