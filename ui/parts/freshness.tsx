import { useCallback } from 'preact/hooks';
import type { TableBrief } from '../../engine/api-overview.ts';
import { nowMs, useTicking } from '../clock.ts';
import { spanText } from '../figures.ts';
import { freshnessLook, freshnessOf } from '../freshness.ts';
import { useGrowing } from '../growing.ts';
import { memo } from '../memo.ts';
import { type Stage, scaleOf, stagesOf, stageWords } from '../stages.ts';
import './freshness.css';
import { Prose } from './prose.tsx';
import { Scroll } from './scroll.tsx';
import { LagCells, LastLoadCell, TableName } from './table-cells.tsx';

/** How far the lake, staging and analytics are behind the source, each table a line. */
export function FreshnessList({ tables }: { readonly tables: readonly TableBrief[] }) {
  const drawn = useGrowing(tables.length);
  return (
    <div class="freshness">
      <Scroll label="freshness of tables">
        <table class="rows stacks">
          <thead>
            <tr>
              <th scope="col">table</th>
              <th scope="col">source → lake, staging, analytics</th>
              <th scope="col" class="number">
                lake
              </th>
              <th scope="col" class="number">
                staging
              </th>
              <th scope="col" class="number">
                analytics
              </th>
              <th scope="col" class="number">
                limit
              </th>
              <th scope="col" class="number">
                last load
              </th>
              <th scope="col">held back by</th>
            </tr>
          </thead>
          <tbody>
            {tables.slice(0, drawn).map((table) => (
              <Row key={table.table} table={table} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </div>
  );
}

/** Drawn again only when what is told of it is something else. */
const Row = memo(Cells);

function Cells({ table }: { readonly table: TableBrief }) {
  const { table: name, asOf, limitMs, loaded, heldBy } = table;
  // The lags go on while nobody tells.
  useTicking(useCallback((now: number) => stageWords(stagesOf(table, now), limitMs), [table, limitMs]));
  const stages = stagesOf(table, nowMs());
  const judged = freshnessOf(table, stages[1]?.lagMs);
  return (
    <tr>
      <TableName table={name} judged={judged} />
      <td class="whole plainly">
        {asOf === undefined && table.lakeAsOf === undefined ? (
          <span class="quiet">never loaded</span>
        ) : (
          <Bars stages={stages} limitMs={limitMs} tone={freshnessLook(judged).tone} />
        )}
      </td>
      <LagCells table={name} pipelines={table.pipelines} stages={stages} judged={judged} limitMs={limitMs} />
      <LastLoadCell loaded={loaded} />
      <td class="held whole">
        {heldBy === undefined ? <span class="quiet nothing">{asOf === undefined ? '-' : 'nobody'}</span> : <Prose text={heldBy} />}
      </td>
    </tr>
  );
}

const width = 200;

/** A line per place, as long as it is behind; the mark in the middle is the limit, which staging is held to. */
function Bars({
  stages,
  limitMs,
  tone,
}: {
  readonly stages: readonly Stage[];
  readonly limitMs: number | undefined;
  readonly tone: string;
}) {
  const scale = scaleOf(stages, limitMs);
  const words = stageWords(stages, limitMs);
  return (
    <svg class="fresh" width={width} height="20" viewBox={`0 0 ${width} 20`} role="img" aria-label={words}>
      <title>{`${words}${limitMs === undefined ? `; the whole width is ${spanText(scale)}` : ''}`}</title>
      {stages.map(({ name, lagMs }, index) => {
        const y = 4 + index * 6;
        const share = lagMs === undefined ? 0 : lagMs / scale;
        const long = Math.min(width - 8, Math.max(2, share * width));
        return (
          <g key={name} class={name === 'staging' ? `tone-${tone}` : 'tone-rest'}>
            <path class="fresh-ground" d={`M0 ${y}h${width}`} />
            {lagMs === undefined ? null : <path class="fresh-stage" d={`M0 ${y}h${long}`} />}
            {share > 1 ? <path class="fresh-beyond" d={`M${width - 6} ${y - 2}l3 2l-3 2`} /> : null}
          </g>
        );
      })}
      {limitMs === undefined ? null : <path class="fresh-limit" d={`M${width / 2} 0v20`} />}
    </svg>
  );
}
