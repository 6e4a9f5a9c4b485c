import { useCallback } from 'preact/hooks';
import type { TableBrief } from '../../engine/api-overview.ts';
import { useTicking } from '../clock.ts';
import { countText, shortCount, spanText } from '../figures.ts';
import { freshnessBar, freshnessOf } from '../freshness.ts';
import { runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

const looks = {
  within: { ...lookOf('succeeded'), word: 'within its limit' },
  over: { ...lookOf('failed'), word: 'over its limit' },
  unjudged: { ...lookOf('queued'), word: 'no limit' },
  never: { ...lookOf('queued'), word: 'never loaded' },
};

/** How old a table's staging is, as a line of the overview. */
export function Freshness({ table }: { readonly table: TableBrief }) {
  const { table: name, asOf, limitMs, loaded, heldBy } = table;
  // The lag goes on while nobody tells: whole seconds below a minute, whole minutes beyond.
  const lagMs = useTicking(useCallback((now: number) => (asOf === undefined ? -1 : coarse(now - Date.parse(asOf))), [asOf]));
  const lag = lagMs < 0 ? undefined : lagMs;
  const judged = freshnessOf(table, lag);
  const look = looks[judged];
  const bar = freshnessBar(lag, limitMs);
  return (
    <tr>
      <th scope="row">
        <span class="state">
          <Mark look={look} label={look.word} />
          {loaded === undefined ? (
            <span class="name">{name}</span>
          ) : (
            <a class="name" href={runPath(loaded.runId, loaded.node)}>
              {name}
            </a>
          )}
        </span>
      </th>
      <td>
        {bar === undefined ? (
          <span class="quiet">{look.word}</span>
        ) : (
          <svg class={`fresh tone-${look.tone}`} width="180" height="10" viewBox="0 0 180 10" role="img" aria-label={look.word}>
            <rect class="fresh-ground" x="0" y="2" width="180" height="6" />
            <rect class="filled" x="0" y="2" width={bar.filled * 180} height="6" />
            {bar.beyond ? <path class="fresh-beyond" d="M172 0l4 5l-4 5" /> : null}
            <path class="fresh-limit" d="M90 0v10" />
          </svg>
        )}
      </td>
      <td class="number">
        {lag === undefined ? <span class="quiet">-</span> : <span class={judged === 'over' ? 'tone-bad' : ''}>{spanText(lag)}</span>}
      </td>
      <td class="number">{limitMs === undefined ? <span class="quiet">-</span> : spanText(limitMs)}</td>
      <td class="nowrap">{asOf === undefined ? <span class="quiet">-</span> : <Time at={asOf} show="clock" />}</td>
      <td class="number">{loaded?.lakeVersion !== undefined ? `v${loaded.lakeVersion}` : <span class="quiet">-</span>}</td>
      <td class="number">
        {loaded?.rows === undefined ? (
          <span class="quiet">-</span>
        ) : (
          <a href={runPath(loaded.runId, loaded.node)} title={countText(loaded.rows, 'row')}>
            {shortCount(loaded.rows)} {loaded.rows === 1 ? 'row' : 'rows'}
          </a>
        )}
      </td>
      <td>{heldBy === undefined ? <span class="quiet">{asOf === undefined ? '-' : 'nobody'}</span> : heldBy}</td>
    </tr>
  );
}

function coarse(ms: number): number {
  const step = ms < 60_000 ? 1_000 : 60_000;
  return Math.max(0, Math.floor(ms / step) * step);
}
