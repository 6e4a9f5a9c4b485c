import type { TableBrief } from '../../engine/api-overview.ts';
import { countText, shortCount, spanText } from '../figures.ts';
import { type Freshness, freshnessLook } from '../freshness.ts';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import type { Stage } from '../stages.ts';
import { NumberCell } from './number-cell.tsx';
import { Mark } from './state-mark.tsx';

/** The name of a table, with how fresh it is. */
export function TableName({ table, judged }: { readonly table: string; readonly judged: Freshness }) {
  const look = freshnessLook(judged);
  return (
    <th scope="row">
      <span class="state">
        <Mark look={look} label={look.word} />
        <a class="name" href={tablePath(table)}>
          {table}
        </a>
      </span>
    </th>
  );
}

interface LagProps extends Pick<TableBrief, 'table' | 'pipelines'> {
  readonly stages: readonly Stage[];
  readonly judged: Freshness;
  readonly limitMs: number | undefined;
}

/** How far the lake, staging and analytics are behind the source, a cell each, which leads to those places of the table; and the limit of staging, to a pipeline that declares it. */
export function LagCells({ table, pipelines, stages, judged, limitMs }: LagProps) {
  return (
    <>
      {stages.map(({ name, lagMs }) => (
        <NumberCell key={name} to={tablePath(table)} again>
          {lagMs === undefined ? undefined : name === 'staging' && judged === 'over' ? (
            <strong class="tone-bad">{spanText(lagMs)}</strong>
          ) : (
            spanText(lagMs)
          )}
        </NumberCell>
      ))}
      <NumberCell to={pipelinePath(pipelines[0] ?? '')} title={`alerts.freshness, the strictest of ${pipelines.join(', ')}`}>
        {limitMs === undefined ? undefined : spanText(limitMs)}
      </NumberCell>
    </>
  );
}

/** How many rows the last load brought; leads to it. */
export function LastLoadCell({ loaded }: Pick<TableBrief, 'loaded'>) {
  return (
    <NumberCell
      to={loaded === undefined ? '' : runPath(loaded.runId, loaded.node)}
      title={loaded?.rows === undefined ? undefined : countText(loaded.rows, 'row')}
    >
      {loaded?.rows === undefined ? undefined : `${shortCount(loaded.rows)} ${loaded.rows === 1 ? 'row' : 'rows'}`}
    </NumberCell>
  );
}
