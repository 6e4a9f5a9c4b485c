import type { RunBrief } from '../../engine/run.ts';
import { readerZone } from '../clock.ts';
import { durationText } from '../figures.ts';
import { runPath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { isoInZone } from '../times.ts';

const step = 6;
const width = 5;
const height = 20;
const shown = 30;

/** The last runs as bars, the newest right, as high as they took; each leads to its run. One stop for the keyboard: the arrows move within. */
export function RunBars({ runs }: { readonly runs: readonly RunBrief[] }) {
  const bars = runs.slice(0, shown).reverse();
  const longest = Math.max(1, ...bars.map((run) => run.tookMs ?? 0));
  const from = shown - bars.length;
  return (
    <svg class="bars" width={shown * step} height={height} viewBox={`0 0 ${shown * step} ${height}`} onKeyDown={move}>
      <title>{bars.length === 0 ? 'no runs yet' : `the last ${bars.length} runs`}</title>
      <path class="bars-ground" d={`M0 ${height - 0.5}h${shown * step}`} />
      {bars.map((run, index) => (
        <RunBar
          key={run.runId}
          run={run}
          x={(from + index) * step}
          share={(run.tookMs ?? longest) / longest}
          last={index === bars.length - 1}
        />
      ))}
    </svg>
  );
}

function RunBar({ run, x, share, last }: { readonly run: RunBrief; readonly x: number; readonly share: number; readonly last: boolean }) {
  const look = lookOf(run.state);
  const { tookMs: took } = run;
  const words = `${look.word}, ${isoInZone(Date.parse(run.startedAt), readerZone)}${took === undefined ? '' : `, ${durationText(took)}`}`;
  const tall = Math.max(4, Math.round(share * (height - 2)));
  return (
    <a href={runPath(run.runId)} aria-label={`run: ${words}`} tabindex={last ? 0 : -1} class={`tone-${look.tone}`}>
      <title>{words}</title>
      <rect class="bar-space" x={x} y="0" width={step} height={height} />
      <BarOf shape={look.shape} x={x} tall={tall} />
    </a>
  );
}

function BarOf({ shape, x, tall }: { readonly shape: string; readonly x: number; readonly tall: number }) {
  const top = height - tall;
  switch (shape) {
    case 'dot':
      return <rect class="filled" x={x} y={top} width={width} height={tall} />;
    case 'cross': {
      const stem = Math.max(0, tall - 8);
      return (
        <g>
          <rect class="filled" x={x + 1.5} y={height - stem} width="2" height={stem} />
          <path class="drawn" d={`M${x} ${height - stem - 6.5}l5 5m0 -5l-5 5`} />
        </g>
      );
    }
    case 'broken-ring': {
      const half = Math.max(1.5, (tall - 3) / 2);
      return <path class="filled" d={`M${x} ${height}v${-half}h${width}v${half}zM${x} ${height - half - 3}v${-half}h${width}v${half}z`} />;
    }
    case 'square':
      return <rect class="filled" x={x} y={height - width} width={width} height={width} />;
    default:
      return <rect class="drawn thin" x={x + 0.5} y={top + 0.5} width={width - 1} height={tall - 1} />;
  }
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
