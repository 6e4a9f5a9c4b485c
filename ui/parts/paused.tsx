import type { PipelineBrief } from '../../engine/api-overview.ts';
import { lookOf } from '../states.ts';
import { Mark } from './state-mark.tsx';
import { Since } from './time.tsx';

/** That a pipeline is paused, since when or where that is declared, and on hover by whom. `line`: on a line of its own. */
export function Paused({
  paused: { by, at },
  line = false,
}: {
  readonly paused: NonNullable<PipelineBrief['paused']>;
  readonly line?: boolean;
}) {
  return (
    <span class={line ? 'state line' : 'state'} title={`by ${by}`}>
      <Mark look={lookOf('paused')} />{' '}
      <span>
        paused{' '}
        {at === undefined ? (
          'in pipelines.yaml'
        ) : (
          <>
            for <Since at={at} />
          </>
        )}
      </span>
    </span>
  );
}
