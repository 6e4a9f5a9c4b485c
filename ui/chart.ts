import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ChartSeries } from './chart-series.ts';
import { readerZone } from './clock.ts';
import { shortCount, spanText } from './figures.ts';

/** Charts of one series of loads, one below the other on the same axis of time. */
export interface Charts {
  /** Marks a load; undefined: none. */
  mark(index: number | undefined): void;
  resize(width: number): void;
  destroy(): void;
}

interface Given {
  readonly series: ChartSeries;
  /** In seconds. */
  readonly limit: number | undefined;
  readonly width: number;
  /** The load under the pointer; undefined: the pointer has left. */
  pointed(index: number | undefined): void;
  opened(index: number): void;
}

const height = 120;
const axisWidth = 64;

/** Draws them into an element, with its colours of now; whoever changes the theme draws them anew. */
export function drawCharts(into: HTMLElement, given: Given): Charts {
  const { series } = given;
  const colours = coloursOf(into);
  const key = `loads ${Math.random()}`;
  const has = (values: readonly (number | null)[]): boolean => values.filter((value) => value !== null).length > 1;
  const bars = uPlot.paths.bars?.({ size: [0.7, 12], align: 0 });
  const bar = (label: string, fill: string): uPlot.Series => ({
    label,
    fill,
    stroke: fill,
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const line = (label: string): uPlot.Series => ({
    label,
    stroke: colours.ink,
    width: 1.5,
    spanGaps: false,
    points: { show: series.at.length < 60, size: 4, fill: colours.ink },
  });
  const plots: uPlot[] = [];
  const add = (
    title: string,
    ys: uPlot.Series[],
    data: (readonly (number | null)[])[],
    show: (value: number) => string,
    top?: number,
  ): void => {
    const place = document.createElement('div');
    place.className = 'chart';
    const heading = document.createElement('p');
    heading.className = 'chart-title quiet';
    heading.textContent = title;
    place.append(heading);
    into.append(place);
    const font = `11px ${getComputedStyle(into).fontFamily}`;
    const axis = {
      stroke: colours.quiet,
      font,
      grid: { stroke: colours.line, width: 1 },
      ticks: { stroke: colours.line, width: 1, size: 4 },
    };
    plots.push(
      new uPlot(
        {
          width: given.width,
          height,
          legend: { show: false },
          cursor: {
            sync: { key },
            y: false,
            drag: { x: false, y: false },
            points: { size: 7, fill: colours.paper, stroke: colours.ink, width: 1.5 },
          },
          tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), readerZone),
          scales: {
            x: { time: true, range: (_plot, least, most) => [least - (most - least) * 0.015, most + (most - least) * 0.015] },
            y: { range: (_plot, _least, most) => [0, (top ?? most) * 1.05 || 1] },
          },
          axes: [
            { ...axis, size: 28, space: 80, values: axisTimes },
            { ...axis, size: axisWidth, space: 28, values: (_plot, values) => values.map((value) => (value === null ? '' : show(value))) },
          ],
          series: [{}, ...ys],
          hooks: {
            setCursor: [
              (plot) => {
                // A mark that is set from elsewhere is not told back.
                if (plot.cursor.event != null || plot.cursor.idx == null) given.pointed(plot.cursor.idx ?? undefined);
              },
            ],
            ready: [
              (plot) => plot.over.addEventListener('click', () => (plot.cursor.idx == null ? undefined : given.opened(plot.cursor.idx))),
            ],
          },
        },
        [[...series.at], ...data.map((values) => [...values])] as uPlot.AlignedData,
        place,
      ),
    );
  };
  add(
    'rows per load: new (dark), changed, the same or replacing all (light); one that replaced all may go beyond the top',
    [bar('the same', colours.light), bar('changed', colours.middle), bar('new', colours.ink)],
    [series.all, series.changed, series.inserted],
    shortCount,
    series.most,
  );
  if (has(series.total)) add('rows in staging', [line('rows')], [series.total], shortCount);
  if (has(series.lag)) {
    const { limit } = given;
    const limits = limit === undefined ? [] : [series.at.map(() => limit)];
    add(
      limit === undefined ? 'age of what was loaded' : 'age of what was loaded, and its limit',
      [
        line('age'),
        ...limits.map((): uPlot.Series => ({ label: 'limit', stroke: colours.quiet, width: 1, dash: [4, 4], points: { show: false } })),
      ],
      [series.lag, ...limits],
      (seconds) => spanText(seconds * 1000),
    );
  }
  return {
    mark(index) {
      const [first] = plots;
      if (first === undefined) return;
      const at = index === undefined ? undefined : series.at[index];
      for (const plot of plots) plot.setCursor({ left: at === undefined ? -10 : plot.valToPos(at, 'x'), top: 0 }, false);
    },
    resize(width) {
      for (const plot of plots) plot.setSize({ width, height });
    },
    destroy() {
      for (const plot of plots) plot.destroy();
      into.replaceChildren();
    },
  };
}

/** Colour means state, and a load that succeeded has none to tell: ink, in three strengths. */
function coloursOf(element: HTMLElement): Readonly<Record<'ink' | 'middle' | 'light' | 'quiet' | 'line' | 'paper', string>> {
  const style = getComputedStyle(element);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: of('--ink'),
    middle: of('--rest'),
    light: of('--line-strong'),
    quiet: of('--ink-quiet'),
    line: of('--line'),
    paper: of('--paper'),
  };
}

const dayMs = 86_400_000;

/** Clock times where ticks are less than a day apart, days otherwise; a first tick and a new day have their date. */
function axisTimes(_plot: uPlot, values: readonly number[], _axis: number, _space: number, step: number): string[] {
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: readerZone, day: 'numeric', month: 'short' });
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: readerZone,
    hour: '2-digit',
    minute: '2-digit',
    ...(step < 60 ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  });
  let before: string | undefined;
  return values.map((seconds) => {
    const at = seconds * 1000;
    const date = day.format(at);
    const isNew = date !== before;
    before = date;
    if (step * 1000 >= dayMs) return date;
    return isNew ? `${date} ${clock.format(at)}` : clock.format(at);
  });
}
