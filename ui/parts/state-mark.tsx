import { type Look, lookOf, type Shape } from '../states.ts';

/** The shape of a state, in its colour; `label` is read out where no word stands beside it. */
export function Mark({ look, label }: { readonly look: Look; readonly label?: string }) {
  const heard = label === undefined ? ({ 'aria-hidden': true } as const) : ({ role: 'img', 'aria-label': label } as const);
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: without a label the word stands beside it, and the shape is not read out.
    <svg class={`mark tone-${look.tone}`} viewBox="0 0 12 12" width="12" height="12" {...heard}>
      {label === undefined ? null : <title>{label}</title>}
      <ShapeOf shape={look.shape} />
    </svg>
  );
}

/** A state by its shape and its word. */
export function State({ state }: { readonly state: string }) {
  const look = lookOf(state);
  return (
    <span class="state">
      <Mark look={look} />
      <span class={`tone-${look.tone}`}>{look.word}</span>
    </span>
  );
}

function ShapeOf({ shape }: { readonly shape: Shape }) {
  switch (shape) {
    case 'dot':
      return <circle class="filled" cx="6" cy="6" r="4.5" />;
    case 'ring':
      return (
        <g>
          <circle class="faint" cx="6" cy="6" r="4.25" />
          <circle class="drawn turning" cx="6" cy="6" r="4.25" pathLength="12" stroke-dasharray="4 8" />
        </g>
      );
    case 'waiting-ring':
      return <circle class="drawn" cx="6" cy="6" r="4.25" />;
    case 'cross':
      return <path class="drawn thick" d="M2 2l8 8M10 2l-8 8" />;
    case 'dash':
      return <path class="drawn thick" d="M2 6h8" />;
    case 'square':
      return <rect class="filled" x="2" y="2" width="8" height="8" />;
    case 'broken-ring':
      return <circle class="drawn" cx="6" cy="6" r="4.25" pathLength="12" stroke-dasharray="4.4 1.6" />;
    case 'hollow':
      return <circle class="drawn thin" cx="6" cy="6" r="4" />;
    case 'diamond':
      return <path class="drawn" d="M6 1.5L10.5 6L6 10.5L1.5 6z" />;
    case 'dots':
      return <circle class="drawn" cx="6" cy="6" r="4.25" pathLength="12" stroke-dasharray="1 2" />;
    case 'point':
      return <circle class="drawn thin" cx="6" cy="6" r="2.25" />;
    case 'clock':
      return <path class="drawn thin" d="M6 1.5a4.5 4.5 0 1 0 .01 0M6 3v3.2l2.2 1.3" />;
    case 'arrows':
      return <path class="drawn thin" d="M1.5 4h8M7 1.5L9.5 4M10.5 8h-8M5 10.5L2.5 8" />;
    case 'bars':
      return <path class="drawn thick" d="M3.5 1.5v9M8.5 1.5v9" />;
  }
}
