import type { FireBucket, SchedulePage, ScheduleRow } from '../../engine/api-schedule.ts';
import { bucketParts, bucketText, needsLook, stretchText } from '../calendar.ts';
import { nowMs } from '../clock.ts';
import { shortCount } from '../figures.ts';
import { memo } from '../memo.ts';
import { setQuery } from '../router.ts';
import { pipelinePath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { sameClock } from '../times.ts';
import { Paused } from './paused.tsx';
import { Mark } from './state-mark.tsx';

/** Names a cell within the calendar. */
export function cellId(pipeline: string, index: number): string {
  return `${index} ${pipeline}`;
}

interface RowProps {
  readonly row: ScheduleRow;
  readonly line: number;
  readonly page: SchedulePage;
  readonly here: { readonly index: number; readonly share: number } | null;
  readonly stop: string | undefined;
  readonly open: string | null;
  readonly focused: (id: string) => void;
}

/** A pipeline's line in the calendar. Drawn again only when what is told of it is something else; of the page no more counts than how it is divided. */
export const CalendarRow = memo(RowCells, ({ page: { edges, step, zone }, row, line, here, stop, open, focused }) => [
  edges,
  step,
  zone,
  row,
  line,
  here,
  stop,
  open,
  focused,
]);

function RowCells({ row, line, page, here, stop, open, focused }: RowProps) {
  const { pipeline, schedules, paused, buckets, clocksSet } = row;
  const { edges, zone } = page;
  const byIndex = new Map(buckets.map((bucket) => [bucket.index, bucket]));
  return (
    <tr class={open === null ? undefined : 'open'}>
      <th scope="row">
        <a class="name" href={pipelinePath(pipeline)}>
          {pipeline}
        </a>
        {schedules.map(({ cron, timezone, words }) => (
          <span key={`${cron} ${timezone}`} class="line quiet" title={`${cron} ${timezone}`}>
            {words}
            {sameClock(nowMs(), timezone, zone) ? null : ` ${timezone}`}
          </span>
        ))}
        {paused === undefined ? null : <Paused paused={paused} line />}
      </th>
      {edges.slice(0, -1).map((edge, index) => {
        const bucket = byIndex.get(index);
        return (
          <td key={edge} class={here?.index === index ? 'now' : undefined}>
            {here?.index === index ? <NowLine share={here.share} /> : null}
            {bucket === undefined ? null : (
              <Cell
                bucket={bucket}
                line={line}
                label={`${pipeline}, ${stretchText(page, index)}: ${bucketText(bucket)}${paused === undefined ? '' : ', paused'}`}
                isStop={cellId(pipeline, index) === stop}
                isOpen={open === edge}
                choose={() => setQuery(open === edge ? { pipeline: undefined, at: undefined } : { pipeline, at: edge })}
                focused={() => focused(cellId(pipeline, index))}
              />
            )}
            {clocksSet.includes(index) && !page.clocksSet.includes(index) ? <ClocksSet zone={zonesOf(row)} /> : null}
          </td>
        );
      })}
    </tr>
  );
}

function zonesOf({ schedules }: ScheduleRow): string {
  return [...new Set(schedules.map(({ timezone }) => timezone))].join(', ');
}

interface CellProps {
  readonly bucket: FireBucket;
  readonly line: number;
  readonly label: string;
  readonly isStop: boolean;
  readonly isOpen: boolean;
  readonly choose: () => void;
  readonly focused: () => void;
}

function Cell({ bucket, line, label, isStop, isOpen, choose, focused }: CellProps) {
  const calm = !needsLook(bucket);
  return (
    <button
      type="button"
      class={calm ? 'fires-cell calm-cell' : 'fires-cell'}
      data-line={line}
      data-column={bucket.index}
      tabIndex={isStop ? 0 : -1}
      aria-label={label}
      aria-expanded={isOpen}
      title={label}
      onClick={choose}
      onFocus={focused}
    >
      {bucketParts(bucket).map(({ state, count }) => (
        <span key={state} class="cell-part">
          <Mark look={lookOf(state)} />
          {shortCount(count)}
        </span>
      ))}
      {bucket.late === 0 ? null : (
        <span class="cell-part">
          <Mark look={lookOf('late')} />
          {shortCount(bucket.late)}
        </span>
      )}
    </button>
  );
}

function NowLine({ share }: { readonly share: number }) {
  const x = `${(share * 100).toFixed(1)}%`;
  return (
    <svg class="now-line" aria-hidden="true" width="100%" height="100%">
      <line x1={x} x2={x} y1="0" y2="100%" />
    </svg>
  );
}

/** A day or an hour in which clocks are set. */
export function ClocksSet({ zone }: { readonly zone: string }) {
  return (
    <span class="clocks-set" title={`the clocks are set here in ${zone}`}>
      <Mark look={lookOf('clocks')} label={`the clocks are set here in ${zone}`} />
    </span>
  );
}
