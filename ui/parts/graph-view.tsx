import { useCallback, useRef, useState } from 'preact/hooks';
import type { GraphNodeView, NodeBrief } from '../../engine/api-pipeline.ts';
import { useTicking } from '../clock.ts';
import { countText, durationText, shortCount } from '../figures.ts';
import { lanesOf, neighbour, type Placed } from '../graph-lanes.ts';
import { briefText } from '../node-brief.ts';
import { runPath, tablePath } from '../routes.ts';
import { isLive, lookOf } from '../states.ts';
import './graph-view.css';
import { NumberCell } from './number-cell.tsx';
import { Mark, State } from './state-mark.tsx';

interface Props {
  readonly pipeline: string;
  readonly nodes: readonly GraphNodeView[];
  /** Whose states these are. */
  readonly runId: string | undefined;
}

/** How much room lanes have: many have one line each, and are scrolled. */
interface Room {
  readonly row: number;
  readonly box: number;
  readonly left: number;
  readonly width: number;
  readonly gap: number;
  readonly letters: number;
  readonly dense: boolean;
}

const roomy = 8;
const letter = 7.85;
const sizes = {
  roomy: { row: 52, box: 40, width: 184, gap: 48, letters: 34 },
  dense: { row: 26, box: 22, width: 212, gap: 28, letters: 28 },
} as const;

/** The nodes of a pipeline from left to right, a lane for each table, with their states. One stop for the keyboard: the arrows move within, Enter opens. */
export function GraphView({ pipeline, nodes, runId }: Props) {
  const drawing = useRef<SVGSVGElement>(null);
  const [chosen, choose] = useState<string>();
  const lanes = lanesOf(nodes);
  const dense = lanes.rows > roomy;
  const size = dense ? sizes.dense : sizes.roomy;
  const longest = lanes.tables.reduce((most, table) => Math.max(most, Math.min(size.letters, table.length)), 0);
  const room: Room = { ...size, dense, left: Math.ceil(longest * letter) + 24 };
  const labels = lanes.tables.map((table, row): Placed => ({ id: laneId(table), column: -1, row }));
  const stops = [...labels, ...lanes.places.values()];
  const stop = stops.some(({ id }) => id === chosen) ? chosen : nodes[0]?.id;
  const goTo = useCallback((id: string) => {
    choose(id);
    const links: readonly SVGElement[] = [...(drawing.current?.querySelectorAll<SVGElement>('a') ?? [])];
    links.find((link) => link.dataset.stop === id)?.focus();
  }, []);
  const width = room.left + lanes.columns * (room.width + room.gap) - room.gap + 2;
  const height = lanes.rows * room.row;
  const heard = { role: 'group', 'aria-label': `graph of ${pipeline}: arrows move, Enter opens` } as const;
  return (
    <>
      {dense ? <States nodes={nodes} goTo={goTo} /> : null}
      <div class={dense ? 'scroll graph graph-dense' : 'scroll graph'}>
        {/* biome-ignore lint/a11y/noSvgWithoutTitle: its label says it; as a picture with a title its links would not be read out. */}
        <svg
          ref={drawing}
          {...heard}
          width={width}
          height={height}
          viewBox={`0 0 ${width} ${height}`}
          onKeyDown={(event) => {
            const next = stop === undefined ? undefined : neighbour(stops, stop, event.key);
            if (next === undefined) return;
            event.preventDefault();
            goTo(next);
          }}
        >
          {lanes.edges.map(({ from, to }) => (
            <path key={`${from} ${to}`} class="graph-edge" d={edgePath(lanes.places.get(from), lanes.places.get(to), room)} />
          ))}
          {lanes.tables.map((table, row) => (
            <LaneLabel key={table} table={table} row={row} room={room} stop={stop} choose={choose} />
          ))}
          {nodes.map((node) => (
            <NodeBox key={node.id} node={node} place={lanes.places.get(node.id)} runId={runId} room={room} stop={stop} choose={choose} />
          ))}
        </svg>
      </div>
      <AsTable nodes={nodes} runId={runId} />
    </>
  );
}

const laneId = (table: string): string => `table ${table}`;

interface LaneLabelProps {
  readonly table: string;
  readonly row: number;
  readonly room: Room;
  readonly stop: string | undefined;
  readonly choose: (id: string) => void;
}

function LaneLabel({ table, row, room, stop, choose }: LaneLabelProps) {
  const id = laneId(table);
  return (
    <a href={tablePath(table)} data-stop={id} tabindex={id === stop ? 0 : -1} onFocus={() => choose(id)}>
      <title>{`table ${table}`}</title>
      <rect class="graph-space" x="0" y={row * room.row + (room.row - room.box) / 2} width={room.left - 12} height={room.box} />
      <text class="graph-name" x="2" y={row * room.row + room.row / 2 + 4.5}>
        {table.length > room.letters ? `${table.slice(0, room.letters - 1)}…` : table}
      </text>
    </a>
  );
}

interface NodeBoxProps {
  readonly node: GraphNodeView;
  readonly place: Placed | undefined;
  readonly runId: string | undefined;
  readonly room: Room;
  readonly stop: string | undefined;
  readonly choose: (id: string) => void;
}

function NodeBox({ node, place, runId, room, stop, choose }: NodeBoxProps) {
  if (place === undefined) return null;
  const { id, table, last } = node;
  const name = verbOf(node);
  const look = lookOf(last?.state ?? 'never');
  const words = last === undefined ? (runId === undefined ? 'never ran' : 'not in this run') : look.word;
  const whole = `${id}: ${briefText(last, words)}`;
  const to = last !== undefined && runId !== undefined ? runPath(runId, id) : table === undefined ? undefined : tablePath(table);
  const x = room.left + place.column * (room.width + room.gap);
  const y = place.row * room.row + (room.row - room.box) / 2;
  const calm = last === undefined || last.state === 'succeeded' || last.state === 'queued' || last.state === 'skipped';
  // Where nothing is told below, the name stands in the middle.
  const lines = !room.dense && (last?.startedAt !== undefined || last?.keptFrom !== undefined) ? 2 : 1;
  const base = y + (lines === 2 ? 17.5 : room.box / 2 + 4.5);
  const drawn = (
    <>
      <title>{whole}</title>
      <rect
        class={calm ? 'graph-box' : `graph-box graph-marked tone-${look.tone}`}
        x={x + 0.5}
        y={y + 0.5}
        width={room.width}
        height={room.box}
        rx="3"
      />
      <g transform={`translate(${x + 9} ${base - 10.5})`}>
        <Mark look={look} />
      </g>
      <text class="graph-name" x={x + 28} y={base}>
        {name.length > 20 ? `${name.slice(0, 19)}…` : name}
      </text>
      {room.dense ? (
        <text
          class={last?.state === 'succeeded' || calm ? 'graph-figures' : `graph-figures graph-said tone-${look.tone}`}
          x={x + room.width - 8}
          y={base - 0.5}
          text-anchor="end"
        >
          {last?.state === 'succeeded' ? <Figures brief={last} /> : words}
        </text>
      ) : (
        <>
          <text class={`graph-figures graph-said tone-${look.tone}`} x={x + room.width - 8} y={base - 0.5} text-anchor="end">
            {words}
          </text>
          <text class="graph-figures" x={x + 28} y={y + 33}>
            {last === undefined || lines === 1 ? '' : <Figures brief={last} />}
          </text>
        </>
      )}
    </>
  );
  if (to === undefined) return <g>{drawn}</g>;
  return (
    <a href={to} class="graph-node" data-stop={id} tabindex={id === stop ? 0 : -1} onFocus={() => choose(id)}>
      {drawn}
    </a>
  );
}

/** How long it took, or is at work, and the rows so far. */
function Figures({ brief: { state, startedAt, tookMs, rows, keptFrom } }: { readonly brief: NodeBrief }) {
  const words = useTicking(
    useCallback(
      (now: number) => {
        if (keptFrom !== undefined) return 'kept from a run before';
        const live =
          isLive(state) && startedAt !== undefined ? Math.max(0, Math.floor((now - Date.parse(startedAt)) / 1000)) * 1000 : undefined;
        const took = tookMs ?? live;
        return [
          ...(took === undefined ? [] : [durationText(took)]),
          ...(rows === undefined ? [] : [`${shortCount(rows)} ${rows === 1 ? 'row' : 'rows'}`]),
        ].join(', ');
      },
      [state, startedAt, tookMs, rows, keptFrom],
    ),
  );
  return <>{words}</>;
}

function edgePath(from: Placed | undefined, to: Placed | undefined, room: Room): string {
  if (from === undefined || to === undefined) return '';
  const x1 = room.left + from.column * (room.width + room.gap) + room.width + 1;
  const x2 = room.left + to.column * (room.width + room.gap);
  const y1 = (from.row + 0.5) * room.row;
  const y2 = (to.row + 0.5) * room.row;
  if (y1 === y2) return `M${x1} ${y1}H${x2}`;
  // Lanes stay apart until the last gap; many of them run into one line there.
  const turn = x2 - room.gap;
  const half = room.gap / 2;
  return room.dense
    ? `M${x1} ${y1}H${turn + half}V${y2}H${x2}`
    : `M${x1} ${y1}H${turn}C${turn + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`;
}

function verbOf({ id, table }: GraphNodeView): string {
  return table !== undefined && id.endsWith(` ${table}`) ? id.slice(0, -table.length - 1) : id;
}

/** How many nodes are in each state; a click goes to the first of them. */
function States({ nodes, goTo }: { readonly nodes: readonly GraphNodeView[]; readonly goTo: (id: string) => void }) {
  const byState = new Map<string, GraphNodeView[]>();
  for (const node of nodes) {
    const state = node.last?.state ?? 'not in this run';
    byState.set(state, [...(byState.get(state) ?? []), node]);
  }
  return (
    <p class="acts graph-states">
      {[...byState].map(([state, found]) => (
        <button
          key={state}
          type="button"
          class="plain"
          aria-label={`${countText(found.length)} ${lookOf(state).word}: go to the first`}
          onClick={() => goTo(found[0]?.id ?? '')}
        >
          <span class="state">
            <Mark look={lookOf(state)} />
            <span>
              {countText(found.length)} {lookOf(state).word}
            </span>
          </span>
        </button>
      ))}
    </p>
  );
}

/** The same for who rather reads. */
function AsTable({ nodes, runId }: { readonly nodes: readonly GraphNodeView[]; readonly runId: string | undefined }) {
  const [open, setOpen] = useState(false);
  return (
    <div class="graph-table">
      <button type="button" class="plain opener" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="turn" aria-hidden="true" />
        as a table
      </button>
      {open ? (
        <div class="scroll">
          <table class="rows stacks">
            <thead>
              <tr>
                <th scope="col">node</th>
                <th scope="col">table</th>
                <th scope="col">state</th>
                <th scope="col" class="number">
                  took
                </th>
                <th scope="col" class="number">
                  rows
                </th>
                <th scope="col">after</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map(({ id, table, needs, last }) => (
                <tr key={id}>
                  <th scope="row" class="name">
                    {last === undefined || runId === undefined ? id : <a href={runPath(runId, id)}>{id}</a>}
                  </th>
                  <td class="name">{table === undefined ? null : <a href={tablePath(table)}>{table}</a>}</td>
                  <td class="plainly">
                    {last === undefined ? (
                      <span class="quiet">{runId === undefined ? 'never ran' : 'not in this run'}</span>
                    ) : (
                      <State state={last.state} />
                    )}
                  </td>
                  <NumberCell to={runPath(runId ?? '', id)} again>
                    {last?.tookMs === undefined ? undefined : durationText(last.tookMs)}
                  </NumberCell>
                  <NumberCell to={runPath(runId ?? '', id)} again>
                    {last?.rows === undefined ? undefined : countText(last.rows)}
                  </NumberCell>
                  <td class="did">{needs.length > roomy ? countText(needs.length, 'node') : needs.join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </div>
  );
}
