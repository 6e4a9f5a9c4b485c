import { useMemo, useState } from 'preact/hooks';
import type { RunBrief } from '../../engine/run.ts';
import { type Bar, type BarShape, barRoom, barsOf, barsTogether } from '../bars.ts';
import { readerZone } from '../clock.ts';
import { countText, durationText } from '../figures.ts';
import { runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { isoInZone, wholeTime } from '../times.ts';

const { step, height, most } = barRoom;

/**
 * The last runs as bars, the newest right; each leads to its run. One stop for the keyboard: the arrows move within. Until somebody comes near, all but the newest are one picture: of hundreds of rows nobody
 * needs each bar as a link.
 */
export function RunBars({ runs }: { readonly runs: readonly RunBrief[] }) {
  const bars = useMemo(() => barsOf(runs), [runs]);
  const [near, setNear] = useState(false);
  const come = (): void => setNear(true);
  return (
    <svg class="bars" width={most * step} height={height} viewBox={`0 0 ${most * step} ${height}`} onPointerEnter={come} onKeyDown={move}>
      <title>{wordsOf(bars)}</title>
      <path class="bars-ground" d={`M0 ${height - 0.5}h${most * step}`} />
      {/* One list, and one element before the newest: it is where the focus is when others come, and what is moved loses it. */}
      {[
        near ? null : <Older key="older" bars={bars.slice(0, -1)} />,
        ...(near ? bars : bars.slice(-1)).map((bar) => <BarLink key={bar.run.runId} bar={bar} last={bar === bars.at(-1)} focused={come} />),
      ]}
    </svg>
  );
}

function Older({ bars }: { readonly bars: readonly Bar[] }) {
  return (
    <g>
      {[...barsTogether(bars)].map(([tone, shape]) => (
        <g key={tone} class={`tone-${tone}`}>
          <Paths shape={shape} />
        </g>
      ))}
    </g>
  );
}

function BarLink({ bar, last, focused }: { readonly bar: Bar; readonly last: boolean; readonly focused: () => void }) {
  const { run, x } = bar;
  const look = lookOf(run.state);
  const { tookMs: took } = run;
  const atMs = Date.parse(run.startedAt);
  const rest = took === undefined ? '' : `, ${durationText(took)}`;
  return (
    <a
      href={runPath(run.runId)}
      aria-label={`run: ${look.word}, ${isoInZone(atMs, readerZone)}${rest}`}
      tabindex={last ? 0 : -1}
      class={`tone-${look.tone}`}
      onFocus={focused}
    >
      <title>{`${look.word}, ${wholeTime(atMs, readerZone)}${rest}`}</title>
      <rect class="bar-space" x={x} y="0" width={step} height={height} />
      <Paths shape={bar} />
    </a>
  );
}

function Paths({ shape: { filled, drawn, thin } }: { readonly shape: BarShape }) {
  return (
    <>
      {filled === '' ? null : <path class="filled" d={filled} />}
      {drawn === '' ? null : <path class="drawn" d={drawn} />}
      {thin === '' ? null : <path class="drawn thin" d={thin} />}
    </>
  );
}

/** `the last 30 runs: 28 succeeded, 2 failed`. */
function wordsOf(bars: readonly Bar[]): string {
  if (bars.length === 0) return 'no runs yet';
  const counts = new Map<string, number>();
  for (const { run } of bars) counts.set(lookOf(run.state).word, (counts.get(lookOf(run.state).word) ?? 0) + 1);
  return `the last ${countText(bars.length, 'run')}: ${[...counts].map(([word, count]) => `${countText(count)} ${word}`).join(', ')}`;
}

function move(event: KeyboardEvent): void {
  const away = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  if (away === 0 || !(event.currentTarget instanceof Element) || !(event.target instanceof Element)) return;
  const links: Element[] = [...event.currentTarget.querySelectorAll('a')];
  const next = links[links.indexOf(event.target) + away];
  if (next === undefined) return;
  event.preventDefault();
  if (next instanceof SVGElement) next.focus();
}
