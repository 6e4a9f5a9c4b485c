import { Fragment } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { SchedulePage as Page, ScheduleRow } from '../../engine/api-schedule.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import {
  type CalendarRange,
  calendarPath,
  calendarRange,
  dateIn,
  dateText,
  edgeText,
  needsLook,
  nowIn,
  shiftDate,
  stretchText,
} from '../calendar.ts';
import { readerZone, useTicking } from '../clock.ts';
import { countText } from '../figures.ts';
import { type GridPlace, gridLines, gridStep } from '../grid-steps.ts';
import { CalendarRow, ClocksSet, cellId } from '../parts/calendar-row.tsx';
import { Fires } from '../parts/fires.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { Seen } from '../parts/seen.tsx';
import { Mark } from '../parts/state-mark.tsx';
import { setQuery, useAddress } from '../router.ts';
import { lookOf } from '../states.ts';
import { wholeTime } from '../times.ts';
import './schedule.css';

/** Rows are drawn as they come near the screen, so many at a time. */
const rowsAtOnce = 30;

const today = (now: number): string => dateIn(now, readerZone);

/** Which times came and come: a day by its hours, or a week by its days; what is asked for stands in the address. */
export function SchedulePage() {
  const { query } = useAddress();
  const range = calendarRange(query, useTicking(today));
  const { from, days, step } = range;
  const { data, failure } = useAnswer<Page>(paths.schedule({ from, days: String(days), step, zone: readerZone }));
  const search = query.get('search') ?? '';
  const attention = query.get('show') === 'attention';
  return (
    <>
      <h1 class="unseen">Schedule</h1>
      <Section
        title="schedule"
        note={<>in your time, {readerZone}</>}
        side={
          <span class="log-tools">
            <label class="check">
              <input
                type="checkbox"
                checked={attention}
                onChange={(event) => setQuery({ show: event.currentTarget.checked ? 'attention' : undefined })}
              />{' '}
              only what needs a look
            </label>
            <SearchBox label="search pipelines" placeholder="pipeline" search={search} />
            <Steps range={range} />
          </span>
        }
      >
        {failure === undefined ? null : (
          <Failure what={data === undefined ? 'The schedule cannot be shown' : 'The schedule is from before'} failure={failure} />
        )}
        {data === undefined ? (
          failure === undefined ? (
            <Waiting what="Asking for the times ..." />
          ) : null
        ) : data.pipelines.length === 0 ? (
          <Empty title="No pipeline has a schedule">
            <span class="name">{'schedule: { cron: "0 2 * * *", timezone: Europe/Berlin }'}</span> in a pipeline of pipelines.yaml gives it
            one; the file is taken in as it is saved, and its times are here then.
          </Empty>
        ) : (
          <Calendar page={data} range={range} search={search} attention={attention} />
        )}
      </Section>
    </>
  );
}

function Steps({ range: { view, from, before, after } }: { readonly range: CalendarRange }) {
  const other = view === 'day' ? 'week' : 'day';
  const last = shiftDate(after, -1);
  return (
    <nav class="acts" aria-label="days">
      <a class="button" href={calendarPath(view, before)} aria-label={`previous ${view}`}>
        ‹
      </a>
      <strong class="schedule-range">
        {view === 'day' ? `${dateText(from)} ${from.slice(0, 4)}` : `${dateText(from)} to ${dateText(last)}`}
      </strong>
      <a class="button" href={calendarPath(view, after)} aria-label={`next ${view}`}>
        ›
      </a>
      <a class="button" href={calendarPath(view)}>
        today
      </a>
      <a class="button" href={calendarPath(other, from)}>
        {other}
      </a>
    </nav>
  );
}

/** The stretch that is open, as it stands in the address. */
interface Open {
  readonly pipeline: string | null;
  readonly at: string | null;
}

function Calendar({
  page,
  range,
  search,
  attention,
}: {
  readonly page: Page;
  readonly range: CalendarRange;
  readonly search: string;
  readonly attention: boolean;
}) {
  const { query } = useAddress();
  const { edges, step, zone, clocksSet, pipelines } = page;
  const open: Open = { pipeline: query.get('pipeline'), at: query.get('at') };
  const isOpen = ({ pipeline }: ScheduleRow): boolean => open.pipeline === pipeline && edges.slice(0, -1).some((edge) => edge === open.at);
  const now = useTicking((at) => JSON.stringify(nowIn(edges, Math.floor(at / 10_000) * 10_000) ?? null));
  const here = useMemo(() => JSON.parse(now) as { readonly index: number; readonly share: number } | null, [now]);
  const shown = pipelines.filter(
    ({ pipeline, buckets }) => pipeline.toLowerCase().includes(search.toLowerCase()) && (!attention || buckets.some(needsLook)),
  );
  const [focus, setFocus] = useState<string>();
  const [drawn, setDrawn] = useState(rowsAtOnce);
  // One stop for the keyboard: the cell that was used last, else the first of now.
  const stop = shown.some(({ pipeline, buckets }) => buckets.some(({ index }) => cellId(pipeline, index) === focus))
    ? focus
    : firstStop(shown, here?.index ?? 0);
  if (shown.length === 0)
    return (
      <Empty title={attention ? 'Nothing needs a look here' : 'No pipeline matches'}>
        {attention ? 'No time failed, was missed or came late in these days.' : 'A pipeline is found by any part of its name.'}
      </Empty>
    );
  return (
    <>
      <Scroll label="times of schedules">
        <table class={`rows calendar by-${step}`} onKeyDown={moveInGrid}>
          <caption class="unseen">Times of schedules by {step}. The arrow keys move between cells, Enter opens the times of one.</caption>
          <thead>
            <tr>
              <th scope="col">pipeline</th>
              {edges.slice(0, -1).map((edge, index) => (
                <th
                  key={edge}
                  scope="col"
                  class={here?.index === index ? 'now' : undefined}
                  title={wholeTime(Date.parse(edge), readerZone)}
                >
                  {step === 'day' ? (
                    <a href={calendarPath('day', dateIn(Date.parse(edge), zone))}>{edgeText(edge, step, zone)}</a>
                  ) : (
                    edgeText(edge, step, zone)
                  )}
                  {here?.index === index ? <span class="unseen">, now</span> : null}
                  {clocksSet.includes(index) ? <ClocksSet zone={zone} /> : null}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, drawn).map((row, line) => (
              <Fragment key={row.pipeline}>
                <CalendarRow
                  row={row}
                  line={line}
                  page={page}
                  here={here}
                  stop={row.buckets.some(({ index }) => cellId(row.pipeline, index) === stop) ? stop : undefined}
                  open={isOpen(row) ? open.at : null}
                  focused={setFocus}
                />
                {isOpen(row) && open.at !== null ? <OpenRow row={row} page={page} at={open.at} /> : null}
              </Fragment>
            ))}
            {shown.length > drawn ? (
              <tr key={drawn}>
                <td colSpan={edges.length}>
                  <Seen width={1} height={20}>
                    {() => <Grow grow={() => setDrawn(drawn + rowsAtOnce)} />}
                  </Seen>
                  <span class="quiet">{countText(shown.length - drawn)} more</span>
                </td>
              </tr>
            ) : null}
          </tbody>
        </table>
      </Scroll>
      <Legend range={range} />
    </>
  );
}

/** Moves the focus between buttons that say where they lie, by `data-line` and `data-column`. */
function moveInGrid(event: KeyboardEvent): void {
  const { currentTarget, target } = event;
  if (!(currentTarget instanceof Element) || !(target instanceof HTMLElement) || target.dataset.column === undefined) return;
  const cells = [...currentTarget.querySelectorAll<HTMLElement>('[data-column]')];
  const placeOf = ({ dataset }: HTMLElement): GridPlace => ({ line: Number(dataset.line), column: Number(dataset.column) });
  const to = gridStep(gridLines(cells.map(placeOf)), placeOf(target), event.key);
  if (to === undefined) return;
  event.preventDefault();
  cells.find((cell) => placeOf(cell).line === to.line && placeOf(cell).column === to.column)?.focus();
}

/** Draws the next rows once it is seen. */
function Grow({ grow }: { readonly grow: () => void }) {
  useEffect(grow, []);
  return null;
}

function firstStop(rows: readonly ScheduleRow[], index: number): string | undefined {
  for (const { pipeline, buckets } of rows) {
    const bucket = buckets.find((each) => each.index >= index) ?? buckets[0];
    if (bucket !== undefined) return cellId(pipeline, bucket.index);
  }
  return undefined;
}

function OpenRow({ row, page, at }: { readonly row: ScheduleRow; readonly page: Page; readonly at: string }) {
  const { edges } = page;
  const index = edges.indexOf(at);
  const to = edges[index + 1];
  if (index === -1 || to === undefined) return null;
  const title = `${row.pipeline}, ${stretchText(page, index)}`;
  return (
    <tr class="node-more">
      <td colSpan={edges.length}>
        <section class="more" aria-label={`times of ${title}`}>
          <div class="section-head">
            <h3 class="fires-title">{title}</h3>
            {row.paused === undefined ? null : <span class="quiet">paused: what is to come is left out until it is resumed</span>}
            <button
              type="button"
              class="side"
              onClick={(event) => {
                const cell = event.currentTarget.closest('tbody')?.querySelector('[aria-expanded="true"]');
                setQuery({ pipeline: undefined, at: undefined });
                if (cell instanceof HTMLElement) cell.focus();
              }}
            >
              close
            </button>
          </div>
          <Fires key={`${row.pipeline} ${at}`} pipeline={row.pipeline} from={at} to={to} />
        </section>
      </td>
    </tr>
  );
}

const told = [
  'succeeded',
  'failed',
  'running',
  'queued',
  'missed',
  'skipped',
  'cancelled',
  'interrupted',
  'undecided',
  'next',
  'late',
  'clocks',
];

function Legend({ range }: { readonly range: CalendarRange }) {
  return (
    <p class="legend quiet">
      {told.map((state) => {
        const look = lookOf(state);
        return (
          <span key={state} class="cell-part">
            <Mark look={look} /> {look.word}
          </span>
        );
      })}
      <span>Missed: nobody ran for it. Skipped: it was not to run, since its pipeline was paused or a run that waited began after it.</span>
      <span>
        Runs that somebody asked for are no times: <a href="/runs">runs</a> has them.
      </span>
      <span>A number counts times of that {range.step}; late ones are counted twice, as late and as what became of them.</span>
    </p>
  );
}
