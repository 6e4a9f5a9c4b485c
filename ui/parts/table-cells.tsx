import type { TableBrief } from '../../engine/api-overview.ts';
import { countText, shortCount, spanText } from '../figures.ts';
import { type Freshness, freshnessLook } from '../freshness.ts';
import { runPath, tablePath } from '../routes.ts';
import type { Stage } from '../stages.ts';
import { Mark } from './state-mark.tsx';

/** What a cell says that has nothing to say. */
export const none = <span class="quiet nothing">-</span>;

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

interface LagProps {
  readonly stages: readonly Stage[];
  readonly judged: Freshness;
  readonly limitMs: number | undefined;
}

/** How far the lake, staging and analytics are behind the source, a cell each, and the limit of staging. */
export function LagCells({ stages, judged, limitMs }: LagProps) {
  return (
    <>
      {stages.map(({ name, lagMs }) => (
        <td key={name} class="number">
          {lagMs === undefined ? (
            none
          ) : name === 'staging' && judged === 'over' ? (
            <strong class="tone-bad">{spanText(lagMs)}</strong>
          ) : (
            spanText(lagMs)
          )}
        </td>
      ))}
      <td class="number">{limitMs === undefined ? none : spanText(limitMs)}</td>
    </>
  );
}

/** How many rows the last load brought; leads to it. */
export function LastLoadCell({ loaded }: Pick<TableBrief, 'loaded'>) {
  return (
    <td class="number">
      {loaded?.rows === undefined ? (
        none
      ) : (
        <a href={runPath(loaded.runId, loaded.node)} title={countText(loaded.rows, 'row')}>
          {shortCount(loaded.rows)} {loaded.rows === 1 ? 'row' : 'rows'}
        </a>
      )}
    </td>
  );
}
