import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { GridCell, GridNode, PipelineGrid } from '../../engine/api-pipeline.ts';
import type { RunRecord } from '../../engine/run.ts';
import { askedByText } from '../asked-by.ts';
import { nowMs, readerZone } from '../clock.ts';
import { durationText } from '../figures.ts';
import { columnGroups, type GridLines, type GridPlace, gridStep } from '../grid-steps.ts';
import { briefText } from '../node-brief.ts';
import { runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { isoInZone, shortTime, wholeTime } from '../times.ts';
import { visibleLines } from '../windowing.ts';
import './run-grid.css';
import { Mark, State } from './state-mark.tsx';

interface Props {
  readonly pipeline: string;
  readonly grid: PipelineGrid;
}

const rowHeight = 24;
const tallest = 28;
/** More rows than that are scrolled, and drawn as far as they are seen. */
const mostRows = 40;
const shownHeight = 480;
const labelEvery = 5;
const leastLabelled = 3;

/** Runs from left to right, the newest right, and what became of each node in each; a cell leads to its lines in the log. One stop for the keyboard: the arrows move within. */
export function RunGrid({ pipeline, grid }: Props) {
  const { nodes } = grid;
  const runs = [...grid.runs].reverse();
  const cells = [...grid.cells].reverse();
  const frame = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [chosen, choose] = useState<{ readonly node: string | undefined; readonly runId: string }>();
  const focusing = useRef(false);
  const windowed = nodes.length > mostRows;
  const { first, end } = windowed ? visibleLines(nodes.length, rowHeight, scrollTop, shownHeight, 8) : { first: 0, end: nodes.length };
  const column = runs.findIndex(({ runId }) => runId === chosen?.runId);
  const line = chosen?.node === undefined ? headLine : nodes.findIndex(({ id }) => id === chosen.node);
  const here: GridPlace = column === -1 ? { line: headLine, column: runs.length - 1 } : { line, column };
  // A row that is scrolled away holds no stop: the head does.
  const stopLine = here.line >= first && here.line < end ? here.line : headLine;
  // The newest is what is looked for, where not all of them fit.
  useLayoutEffect(() => {
    if (frame.current !== null) frame.current.scrollLeft = frame.current.scrollWidth;
  }, []);
  // Before anything else happens: a row that is scrolled away may have had the focus, and the next key would be lost.
  useLayoutEffect(() => {
    if (!focusing.current) return;
    focusing.current = false;
    frame.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  });
  const move = (event: KeyboardEvent): void => {
    const to = gridStep(allOf(nodes.length, runs.length), here, event.key);
    const run = runs[to?.column ?? -1];
    if (to === undefined || run === undefined) return;
    event.preventDefault();
    if (windowed && frame.current !== null && to.line >= 0) {
      const top = to.line * rowHeight;
      const { scrollTop: shown } = frame.current;
      const below = shownHeight - headHeight - footHeight - rowHeight;
      if (top < shown) frame.current.scrollTop = top;
      else if (top > shown + below) frame.current.scrollTop = top - below;
      setScrollTop(frame.current.scrollTop);
    }
    focusing.current = true;
    choose({ node: nodes[to.line]?.id, runId: run.runId });
  };
  const longest = Math.max(1, ...runs.map((run) => tookMs(run) ?? 0));
  const states = [...new Set(cells.flatMap((run) => run.flatMap((brief) => brief?.state ?? [])))];
  return (
    <>
      <div
        ref={frame}
        class={windowed ? 'scroll grid-frame grid-tall' : 'scroll grid-frame'}
        onScroll={windowed ? (event) => setScrollTop(event.currentTarget.scrollTop) : undefined}
      >
        <table class="run-grid" aria-label={`runs of ${pipeline} and their nodes`} aria-rowcount={nodes.length + 1} onKeyDown={move}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" class="grid-node">
                <span class="unseen">node</span>
              </th>
              {runs.map((run, at) => (
                <th key={run.runId} scope="col">
                  <RunHead run={run} share={(tookMs(run) ?? longest) / longest} stop={stopLine === headLine && here.column === at} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {first === 0 ? null : <Gap rows={first} columns={runs.length + 1} />}
            {nodes.slice(first, end).map((node, i) => (
              <GridRow
                key={node.id}
                node={node}
                index={first + i}
                runs={runs}
                cells={cells}
                stop={stopLine === first + i ? here.column : undefined}
              />
            ))}
            {end === nodes.length ? null : <Gap rows={nodes.length - end} columns={runs.length + 1} />}
          </tbody>
          <tfoot aria-hidden="true">
            <tr>
              <td class="grid-node" />
              <Labels runs={runs} />
            </tr>
          </tfoot>
        </table>
      </div>
      <p class="grid-legend quiet" aria-hidden="true">
        {states.map((state) => (
          <State key={state} state={state} />
        ))}
        {nodes.length * runs.length > cells.reduce((sum, run) => sum + run.filter((brief) => brief !== null).length, 0) ? (
          <span>· not in that run</span>
        ) : null}
      </p>
    </>
  );
}

/** The runs themselves, above the first node. */
const headLine = -1;

function allOf(nodes: number, runs: number): GridLines {
  const columns = Array.from({ length: runs }, (_, column) => column);
  return new Map(Array.from({ length: nodes + 1 }, (_, line) => [line + headLine, columns]));
}

const headHeight = 52;
const footHeight = 24;

function tookMs({ startedAt, endedAt }: RunRecord): number | undefined {
  return endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
}

function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  return (
    <tr class="grid-gap">
      <td colSpan={columns} height={rows * rowHeight} />
    </tr>
  );
}

function RunHead({ run, share, stop }: { readonly run: RunRecord; readonly share: number; readonly stop: boolean }) {
  const look = lookOf(run.state);
  const took = tookMs(run);
  const tall = Math.max(2, Math.round(share * tallest));
  const rest = [
    look.word,
    ...(took === undefined ? [] : [durationText(took)]),
    ...(run.trigger === undefined ? [] : [`by ${askedByText(run.trigger)}`]),
  ].join(', ');
  const atMs = Date.parse(run.startedAt);
  return (
    <a
      href={runPath(run.runId)}
      class="grid-run"
      title={`run of ${wholeTime(atMs, readerZone)}: ${rest}`}
      aria-label={`run of ${isoInZone(atMs, readerZone)}: ${rest}`}
      tabIndex={stop ? 0 : -1}
    >
      <svg class={`grid-bar tone-${look.tone}`} width="10" height={tallest} aria-hidden="true">
        <rect class={took === undefined ? 'drawn thin' : 'filled'} x="1" y={tallest - tall + 0.5} width="8" height={tall - 1} />
      </svg>
      <Mark look={look} />
    </a>
  );
}

interface GridRowProps {
  readonly node: GridNode;
  readonly index: number;
  readonly runs: readonly RunRecord[];
  readonly cells: PipelineGrid['cells'];
  /** The column that the keyboard stops at. */
  readonly stop: number | undefined;
}

function GridRow({ node, index, runs, cells, stop }: GridRowProps) {
  return (
    <tr aria-rowindex={index + 2}>
      <th scope="row" class="grid-node">
        <span class={node.gone ? 'name quiet' : 'name'} title={node.gone ? `${node.id}: no run has it any more` : node.id}>
          {node.id}
        </span>
        {node.gone ? <span class="quiet"> gone</span> : null}
      </th>
      {runs.map((run, at) => (
        <Cell key={run.runId} node={node.id} run={run} brief={cells[at]?.[index] ?? null} stop={stop === at} />
      ))}
    </tr>
  );
}

interface CellProps {
  readonly node: string;
  readonly run: RunRecord;
  readonly brief: GridCell | null;
  readonly stop: boolean;
}

function Cell({ node, run, brief, stop }: CellProps) {
  const words = `${node}: ${briefText(brief ?? undefined)}`;
  const tabIndex = stop ? 0 : -1;
  if (brief === null)
    return (
      <td>
        <span class="grid-cell quiet" role="img" aria-label={words} title={words} tabIndex={tabIndex} />
      </td>
    );
  return (
    <td>
      <a class="grid-cell" href={runPath(run.runId, node)} aria-label={words} title={words} tabIndex={tabIndex}>
        <Mark look={lookOf(brief.state)} />
      </a>
    </td>
  );
}

/** When some of the runs began. */
function Labels({ runs }: { readonly runs: readonly RunRecord[] }) {
  let at = 0;
  return (
    <>
      {columnGroups(runs.length, labelEvery).map((size) => {
        const run = runs[at];
        at += size;
        return (
          <td key={at} colSpan={size} class="grid-time">
            {run === undefined || size < leastLabelled ? '' : shortTime(Date.parse(run.startedAt), nowMs(), readerZone)}
          </td>
        );
      })}
    </>
  );
}
