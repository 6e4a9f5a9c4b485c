import { useCallback } from 'preact/hooks';
import type { TableLine } from '../../engine/api-table.ts';
import { nowMs, useTicking } from '../clock.ts';
import { bytesText, countText, shortCount } from '../figures.ts';
import { freshnessOf } from '../freshness.ts';
import { memo } from '../memo.ts';
import { useNarrow } from '../narrow.ts';
import { tablePath } from '../routes.ts';
import { stagesOf, stageWords } from '../stages.ts';
import { useWindowedRows } from '../windowed-rows.ts';
import { Joined } from './joined.tsx';
import { pipelineLink } from './links.tsx';
import { NumberCell } from './number-cell.tsx';
import { Scroll } from './scroll.tsx';
import { LagCells, LastLoadCell, TableName } from './table-cells.tsx';
import './table-list.css';

/** As in table-list.css; on a narrow screen a row is several lines. */
const rowHeight = 28;
const stackedHeight = 136;
const columns = 11;

/** Tables as lines, of many only those near the screen. */
export function TableList({ tables }: { readonly tables: readonly TableLine[] }) {
  const { ref, first, end, above, below } = useWindowedRows<HTMLTableSectionElement>(
    tables.length,
    useNarrow() ? stackedHeight : rowHeight,
  );
  return (
    <Scroll label="tables">
      <table class="rows table-list stacks" aria-rowcount={tables.length + 1}>
        <thead>
          <tr>
            <th scope="col">table</th>
            <th scope="col" class="number" title="how far the lake is behind the source">
              lake
            </th>
            <th scope="col" class="number" title="how far staging is behind the source">
              staging
            </th>
            <th scope="col" class="number" title="how far what dbt makes of it is behind the source">
              analytics
            </th>
            <th scope="col" class="number">
              limit
            </th>
            <th scope="col" class="number">
              rows
            </th>
            <th scope="col" class="number">
              size
            </th>
            <th scope="col" class="number">
              version
            </th>
            <th scope="col" class="number">
              lake size
            </th>
            <th scope="col" class="number">
              last load
            </th>
            <th scope="col">pipelines</th>
          </tr>
        </thead>
        <tbody ref={ref}>
          {above === 0 ? null : <Space height={above} />}
          {tables.slice(first, end).map((table, i) => (
            <Line key={table.table} table={table} index={first + i + 2} />
          ))}
          {below === 0 ? null : <Space height={below} />}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Where rows are that are not drawn. */
function Space({ height }: { readonly height: number }) {
  return (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}

/** Drawn again only when what is told of it is something else. */
const Line = memo(Cells);

function Cells({ table, index }: { readonly table: TableLine; readonly index: number }) {
  const { table: name, limitMs, loaded, lake, staging, pipelines } = table;
  const version = lake?.version ?? loaded?.lakeVersion;
  // The lags go on while nobody tells.
  useTicking(useCallback((now: number) => stageWords(stagesOf(table, now), limitMs), [table, limitMs]));
  const stages = stagesOf(table, nowMs());
  const judged = freshnessOf(table, stages.find((stage) => stage.name === 'staging')?.lagMs);
  return (
    <tr aria-rowindex={index}>
      <TableName table={name} judged={judged} />
      <LagCells table={name} pipelines={pipelines} stages={stages} judged={judged} limitMs={limitMs} />
      <NumberCell
        to={tablePath(name)}
        again
        title={
          staging?.rows === undefined
            ? undefined
            : `${staging.exact ? '' : 'about '}${countText(Math.round(staging.rows), 'row')} in staging`
        }
      >
        {staging?.rows === undefined ? undefined : `${staging.exact ? '' : '~'}${shortCount(staging.rows)}`}
      </NumberCell>
      <NumberCell to={tablePath(name)} again>
        {staging?.bytes === undefined ? undefined : `~${bytesText(staging.bytes)}`}
      </NumberCell>
      <NumberCell to={tablePath(name, version)}>{version === undefined ? undefined : `v${version}`}</NumberCell>
      <NumberCell to={tablePath(name, version)} again title={lake === undefined ? undefined : countText(lake.files, 'file')}>
        {lake === undefined ? undefined : bytesText(lake.bytes)}
      </NumberCell>
      <LastLoadCell loaded={loaded} />
      <td>
        <Joined names={pipelines} show={pipelineLink} />
      </td>
    </tr>
  );
}
