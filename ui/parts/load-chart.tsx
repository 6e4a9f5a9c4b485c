import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LoadPoint, LoadsPage } from '../../engine/api-table.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import type { Charts } from '../chart.ts';
import { chartSeries, loadAfterKey, loadWords } from '../chart-series.ts';
import { countText, spanText } from '../figures.ts';
import { go } from '../router.ts';
import { runPath, tablePath } from '../routes.ts';
import { theme } from '../theme.ts';
import { useWatched } from '../watched.ts';
import { pipelineLink } from './links.tsx';
import { Empty, Failure, Section, Waiting } from './messages.tsx';
import { NumberCell } from './number-cell.tsx';
import { Scroll } from './scroll.tsx';
import { Time } from './time.tsx';

/** Fetches what draws the charts, before there is anything to draw; whoever draws says when it did not come. */
export function fetchCharts(): void {
  import('../chart.ts').then(undefined, () => undefined);
}

/** The loads of a table over time, as charts and as a table. */
export function LoadChart({ table, limitMs }: { readonly table: string; readonly limitMs: number | undefined }) {
  const { data, failure } = useAnswer<LoadsPage>(paths.tableLoads(table));
  const loads = data?.loads;
  return (
    <Section
      id="loads"
      title="rows over time"
      note={loads === undefined || loads.length < 2 ? undefined : `the last ${countText(loads.length)} loads`}
    >
      {failure === undefined ? null : <Failure what="The loads cannot be read" failure={failure} />}
      {loads === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for the loads ..." />
        ) : null
      ) : loads.length < 2 ? (
        <Few loads={loads} />
      ) : (
        <>
          <Drawn loads={loads} limitMs={limitMs} />
          <AsTable table={table} loads={loads} />
        </>
      )}
    </Section>
  );
}

function Few({ loads }: { readonly loads: readonly LoadPoint[] }) {
  const [only] = loads;
  if (only === undefined)
    return (
      <Empty title="It was never loaded">
        How many rows each load brings, how many there are and how old they were is drawn here, from the second load on.
      </Empty>
    );
  return (
    <Empty title="One load so far">
      <a href={runPath(only.runId, only.node)}>
        <Time at={only.at} />: {loadWords(only)}
      </a>
      . From the second one on their course is drawn here.
    </Empty>
  );
}

/** True where the system asks for dark, as it changes. */
function useSystemDark(): boolean {
  const query = useMemo(() => window.matchMedia('(prefers-color-scheme: dark)'), []);
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const look = (): void => setDark(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, [query]);
  return dark;
}

function Drawn({ loads, limitMs }: { readonly loads: readonly LoadPoint[]; readonly limitMs: number | undefined }) {
  const place = useRef<HTMLDivElement>(null);
  const charts = useRef<Charts | undefined>(undefined);
  const [shown, setShown] = useState<number>();
  const [failed, setFailed] = useState(false);
  const series = useMemo(() => chartSeries(loads), [loads]);
  const chosen = useWatched(theme);
  const dark = useSystemDark();
  const open = useCallback(
    (index: number): void => {
      const load = loads[index];
      if (load !== undefined) go(runPath(load.runId, load.node));
    },
    [loads],
  );
  // The colours of a theme are read when the charts are drawn.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let over = false;
    const observer = new ResizeObserver(() => charts.current?.resize(element.clientWidth));
    import('../chart.ts').then(
      ({ drawCharts }) => {
        if (over) return;
        charts.current = drawCharts(element, {
          series,
          limit: limitMs === undefined ? undefined : limitMs / 1000,
          width: element.clientWidth,
          pointed: setShown,
          opened: open,
        });
        observer.observe(element);
      },
      () => setFailed(true),
    );
    return () => {
      over = true;
      observer.disconnect();
      charts.current?.destroy();
      charts.current = undefined;
    };
  }, [series, limitMs, open, chosen, dark]);
  const load = shown === undefined ? undefined : loads[shown];
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && shown !== undefined) open(shown);
    const to = loadAfterKey(event.key, shown ?? loads.length, loads.length);
    if (to === undefined) return;
    event.preventDefault();
    setShown(to);
    charts.current?.mark(to);
  };
  return (
    <>
      <div
        class="charts"
        ref={place}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys go from load to load.
        tabIndex={0}
        role="application"
        aria-label={`Charts of ${loads.length} loads: the arrow keys go from load to load, Enter opens its run. The same as a table is below.`}
        onKeyDown={onKeyDown}
      />
      {failed ? <p class="quiet">The charts could not be fetched; load the page again. The table below has the same.</p> : null}
      <p class="chart-told" aria-live="polite">
        {load === undefined ? (
          <span class="quiet">A load under the pointer, or chosen by the arrow keys, is told here; a click or Enter opens its run.</span>
        ) : (
          <a href={runPath(load.runId, load.node)}>
            <Time at={load.at} /> {loadWords(load)}
          </a>
        )}
      </p>
    </>
  );
}

const rowsShown = 100;

function AsTable({ table, loads }: { readonly table: string; readonly loads: readonly LoadPoint[] }) {
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const newest = [...loads].reverse();
  const number = (value: number | undefined) => (value === undefined ? undefined : countText(value));
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>as a table</summary>
      {open ? (
        <Scroll label="loads">
          <table class="rows stacks">
            <thead>
              <tr>
                <th scope="col">loaded</th>
                {['rows', 'new', 'changed', 'the same', 'in staging', 'age'].map((name) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
                <th scope="col">lake</th>
                <th scope="col">pipeline</th>
              </tr>
            </thead>
            <tbody>
              {(all ? newest : newest.slice(0, rowsShown)).map((load) => (
                <tr key={`${load.runId} ${load.node}`}>
                  <th scope="row" class="nowrap">
                    <a href={runPath(load.runId, load.node)}>
                      <Time at={load.at} show="clock" />
                    </a>
                  </th>
                  {[
                    number(load.rows),
                    load.replaced ? 'replacing all' : number(load.inserted),
                    number(load.updated),
                    number(load.unchanged),
                    number(load.total),
                    load.lagMs === undefined ? undefined : spanText(load.lagMs),
                  ].map((text, index) => (
                    <NumberCell key={index} to={runPath(load.runId, load.node)} again>
                      {text}
                    </NumberCell>
                  ))}
                  <td>
                    {load.lakeVersion === undefined ? (
                      <span class="quiet nothing">-</span>
                    ) : (
                      <a href={tablePath(table, load.lakeVersion)}>v{load.lakeVersion}</a>
                    )}
                  </td>
                  <td>{pipelineLink(load.pipeline)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
      {open && !all && newest.length > rowsShown ? (
        <button type="button" onClick={() => setAll(true)}>
          all {countText(newest.length)}
        </button>
      ) : null}
    </details>
  );
}
