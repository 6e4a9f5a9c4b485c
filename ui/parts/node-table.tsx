import { useCallback, useState } from 'preact/hooks';
import { progressText } from '../../engine/reporters/event-view.ts';
import type { NodeRun, Run } from '../../engine/run.ts';
import { nowMs, readerZone, useTicking } from '../clock.ts';
import { bytesText, countText, durationText } from '../figures.ts';
import { useGrowing } from '../growing.ts';
import { memo } from '../memo.ts';
import { paceText } from '../pace.ts';
import { runPath } from '../routes.ts';
import { showLog } from '../show-log.ts';
import { isLive, lookOf } from '../states.ts';
import { type Bar, type TimeAxis, timeAxis } from '../time-axis.ts';
import { wholeTime } from '../times.ts';
import { NodeMore } from './node-more.tsx';
import { OpenerCell } from './number-cell.tsx';
import { Prose } from './prose.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

/** Nodes of a run on one time axis, each attempt a bar; a node opens to what it did. */
export function NodeTable({ run }: { readonly run: Run }) {
  const live = isLive(run.state);
  const now = useTicking(useCallback((at: number) => (live ? at : 0), [live]));
  const axis = timeAxis(run, now === 0 ? nowMs() : now);
  const drawn = useGrowing(run.nodes.length);
  const [chosen, choose] = useState<ReadonlyMap<string, boolean>>(new Map());
  // What failed is open by itself.
  const isOpen = (node: NodeRun): boolean => chosen.get(node.id) ?? node.state === 'failed';
  return (
    <Scroll label="nodes on the axis of time">
      <table class="rows nodes stacks">
        <thead>
          <tr>
            <th scope="col">node</th>
            <th scope="col" class="axis-head">
              <Ticks axis={axis} />
            </th>
            <th scope="col" class="number">
              took
            </th>
            <th scope="col" class="number">
              rows
            </th>
            <th scope="col" class="number">
              bytes
            </th>
            <th scope="col">what it did</th>
          </tr>
        </thead>
        <tbody>
          {run.nodes.slice(0, drawn).map((node) => (
            <NodeRows
              key={node.id}
              node={node}
              run={run}
              axis={axis}
              open={isOpen(node)}
              toggle={() => choose(new Map(chosen).set(node.id, !isOpen(node)))}
            />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface NodeRowsProps {
  readonly node: NodeRun;
  readonly run: Run;
  readonly axis: TimeAxis;
  readonly open: boolean;
  readonly toggle: () => void;
}

function NodeRows({ node, run, axis, open, toggle }: NodeRowsProps) {
  const look = lookOf(node.state);
  const bars = axis.bars.get(node.id) ?? [];
  const tookMs = bars.reduce((sum, bar) => sum + (bar.kind === 'attempt' ? bar.toMs - bar.fromMs : 0), 0);
  const rows = node.result?.rows ?? node.progress?.rows;
  const bytes = node.result?.bytes ?? node.progress?.bytes;
  return (
    <>
      <tr class={open ? 'open' : ''}>
        <th scope="row">
          <button type="button" class="opener" aria-expanded={open} onClick={toggle}>
            <span class="turn" aria-hidden="true" />
            <Mark look={look} label={look.word} />
            <span class="name">{node.id}</span>
          </button>
        </th>
        <td class="axis whole plainly">
          <Bars bars={bars} axis={axis} node={node} />
        </td>
        <OpenerCell toggle={toggle}>{bars.length === 0 ? undefined : durationText(tookMs)}</OpenerCell>
        <OpenerCell toggle={toggle}>{rows === undefined ? undefined : countText(rows)}</OpenerCell>
        <OpenerCell toggle={toggle}>{bytes === undefined ? undefined : bytesText(bytes)}</OpenerCell>
        <td class="did plainly">
          <StillDid node={node} />
        </td>
      </tr>
      {open ? (
        <tr class="node-more">
          <td colSpan={6}>
            <StillMore node={node} run={run} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

// The axis moves every second; what a node says does so only when the node does.
const StillDid = memo(Did);
const StillMore = memo(NodeMore, ({ node, run }) => [node, run.state]);

/** One line: its summary, how far it is, or why it did not. */
function Did({ node }: { readonly node: NodeRun }) {
  if (node.keptFrom !== undefined)
    return (
      <span class="quiet">
        done in <a href={runPath(node.keptFrom, node.id)}>run {node.keptFrom}</a>, not done again
      </span>
    );
  if (node.state === 'retrying') {
    const next = node.attempts.at(-1)?.retryAt;
    return (
      <span>
        <strong class="tone-warn">retrying</strong>
        {next === undefined ? null : (
          <>
            {' '}
            <Time at={next} show="away" />
          </>
        )}
        : <Prose text={node.error?.message ?? 'no reason was kept'} />
      </span>
    );
  }
  if (node.error !== undefined)
    return (
      <span>
        <strong class="tone-bad">failed</strong>: <Prose text={node.error.message} />
      </span>
    );
  if (node.state === 'skipped')
    return (
      <span class="quiet">
        skipped, because <span class="name">{node.because}</span> did not succeed
      </span>
    );
  if (node.state === 'queued') return <span class="quiet">waits for {node.needs.length === 0 ? 'its turn' : node.needs.join(', ')}</span>;
  if (node.state === 'running') return <AtWork node={node} />;
  return (
    <span>
      <Prose text={node.result?.summary ?? node.state} />
    </span>
  );
}

/** How far it is, how fast, or whom it waits for. */
function AtWork({ node: { progress, attempts } }: { readonly node: NodeRun }) {
  const began = attempts.at(-1)?.startedAt;
  const pace = useTicking(
    useCallback(
      (now: number) => (progress === undefined || began === undefined ? '' : paceText(progress, now - Date.parse(began))),
      [progress, began],
    ),
  );
  if (progress === undefined) return <span>at work</span>;
  const waits = progress.doing?.startsWith('waiting') === true;
  return (
    <span>
      {waits ? <strong class="tone-warn">held up: </strong> : null}
      {progressText(progress)}
      {pace === '' || waits ? null : <span class="quiet">, {pace}</span>}
    </span>
  );
}

function Ticks({ axis }: { readonly axis: TimeAxis }) {
  return (
    <svg class="ticks" height="16" role="img" aria-label="time since the run began">
      {axis.ticks.map(({ atMs, left }) => (
        <text key={atMs} x={`${left * 100}%`} y="12" text-anchor={left === 0 ? 'start' : left > 0.95 ? 'end' : 'middle'}>
          {atMs === 0
            ? '0'
            : durationText(atMs)
                .replace(/\.0 s$/, ' s')
                .replace(/ 0 [sm]$/, '')}
        </text>
      ))}
    </svg>
  );
}

function Bars({ bars, axis, node }: { readonly bars: readonly Bar[]; readonly axis: TimeAxis; readonly node: NodeRun }) {
  const words = bars
    .filter(({ kind }) => kind === 'attempt')
    .map((bar) => `attempt ${bar.attempt} ${bar.state}, ${durationText(bar.toMs - bar.fromMs)}`)
    .join('; ');
  return (
    <svg class="node-bars" height="16" role="img" aria-label={words === '' ? `${node.id}: not begun` : `${node.id}: ${words}`}>
      {axis.ticks.map(({ atMs, left }) => (
        <line key={atMs} class="tick-line" x1={`${left * 100}%`} x2={`${left * 100}%`} y1="0" y2="16" />
      ))}
      {bars.map((bar) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: a shorter way for the mouse; the open node has a button for it.
        <g
          key={`${bar.kind} ${bar.attempt}`}
          class={`node-bar tone-${lookOf(bar.state).tone}`}
          onClick={() => showLog(node.id, bar.attempt)}
        >
          <title>
            {bar.kind === 'wait' ? `waits before attempt ${bar.attempt + 1}` : `attempt ${bar.attempt}: ${bar.state}`},{' '}
            {durationText(bar.toMs - bar.fromMs)}, from {wholeTime(bar.fromMs, readerZone)}
          </title>
          {bar.kind === 'wait' ? (
            <line class="wait" x1={`${bar.left * 100}%`} x2={`${(bar.left + bar.width) * 100}%`} y1="8" y2="8" />
          ) : (
            <BarShape bar={bar} />
          )}
        </g>
      ))}
    </svg>
  );
}

function BarShape({ bar }: { readonly bar: Bar }) {
  const end = `${(bar.left + bar.width) * 100}%`;
  return (
    <>
      <rect
        class={bar.state === 'running' ? 'bar-live' : 'filled'}
        x={`${bar.left * 100}%`}
        y="3"
        width={`${bar.width * 100}%`}
        height="10"
      />
      <line class="bar-start" x1={`${bar.left * 100}%`} x2={`${bar.left * 100}%`} y1="3" y2="13" />
      {bar.state === 'failed' || bar.state === 'interrupted' ? <line class="bar-end" x1={end} x2={end} y1="0" y2="16" /> : null}
    </>
  );
}
