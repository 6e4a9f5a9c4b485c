import { useCallback } from 'preact/hooks';
import type { TableLine } from '../../engine/api-table.ts';
import { useTicking } from '../clock.ts';
import { countText, shortCount, spanText } from '../figures.ts';
import { freshnessOf } from '../freshness.ts';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

const looks = {
  within: { ...lookOf('succeeded'), word: 'within its limit' },
  over: { ...lookOf('failed'), word: 'over its limit' },
  unjudged: { ...lookOf('queued'), word: 'no limit' },
  never: { ...lookOf('queued'), word: 'never loaded' },
};

/** Tables as lines. */
export function TableList({ tables }: { readonly tables: readonly TableLine[] }) {
  return (
    <div class="scroll">
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">table</th>
            <th scope="col" class="number">
              behind
            </th>
            <th scope="col" class="number">
              limit
            </th>
            <th scope="col">all of the source up to</th>
            <th scope="col" class="number">
              lake
            </th>
            <th scope="col" class="number">
              last load
            </th>
            <th scope="col">pipelines</th>
          </tr>
        </thead>
        <tbody>
          {tables.map((table) => (
            <Line key={table.table} table={table} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ table }: { readonly table: TableLine }) {
  const { table: name, asOf, limitMs, loaded, pipelines } = table;
  const lagMs = useTicking(useCallback((now: number) => (asOf === undefined ? -1 : coarse(now - Date.parse(asOf))), [asOf]));
  const lag = lagMs < 0 ? undefined : lagMs;
  const judged = freshnessOf(table, lag);
  const version = loaded?.lakeVersion;
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Mark look={looks[judged]} label={looks[judged].word} />
          <a class="name" href={tablePath(name)}>
            {name}
          </a>
        </span>
      </th>
      <td class="number">
        {lag === undefined ? (
          <span class="quiet">never loaded</span>
        ) : (
          <span class={judged === 'over' ? 'tone-bad' : ''}>{spanText(lag)}</span>
        )}
      </td>
      <td class="number">{limitMs === undefined ? <span class="quiet">-</span> : spanText(limitMs)}</td>
      <td class="nowrap">{asOf === undefined ? <span class="quiet">-</span> : <Time at={asOf} show="clock" />}</td>
      <td class="number">
        {typeof version === 'number' ? <a href={tablePath(name, version)}>v{version}</a> : <span class="quiet">-</span>}
      </td>
      <td class="number">
        {loaded?.rows === undefined ? (
          <span class="quiet">-</span>
        ) : (
          <a href={runPath(loaded.runId, loaded.node)} title={countText(loaded.rows, 'row')}>
            {shortCount(loaded.rows)} {loaded.rows === 1 ? 'row' : 'rows'}
          </a>
        )}
      </td>
      <td>
        {pipelines.map((pipeline, i) => (
          <span key={pipeline}>
            {i === 0 ? '' : ', '}
            <a class="name" href={pipelinePath(pipeline)}>
              {pipeline}
            </a>
          </span>
        ))}
      </td>
    </tr>
  );
}

function coarse(ms: number): number {
  const step = ms < 60_000 ? 1_000 : 60_000;
  return Math.max(0, Math.floor(ms / step) * step);
}
