import type { ConnectionState, ConnectionsPage } from '../../engine/api-connections.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { lookOf } from '../states.ts';
import './connections.css';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

const words = { answers: 'answers', silent: 'does not answer', idle: 'is started when it is used' };

/** Whether what runs need answers: counts in the bar, and each with since when and why behind them. */
export function Connections() {
  const { data } = useAnswer<ConnectionsPage>(paths.connections);
  if (data === undefined) return null;
  const { connections } = data;
  const of = (kind: ConnectionState['kind']): readonly ConnectionState[] => connections.filter((each) => each.kind === kind);
  return (
    <details
      class="connections"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.currentTarget.open = false;
      }}
    >
      <summary>
        <Count name="sources" of={of('source')} />
        <Count name="sinks" of={of('sink')} />
        {[...of('lake'), ...of('store')].map((each) => (
          <One key={each.kind} connection={each} />
        ))}
      </summary>
      <ul class="connections-each">
        {connections.map((each) => (
          <li key={`${each.kind} ${each.name}`}>
            <Mark look={lookOf(lookName(each))} />
            <span>
              {each.kind === each.name ? null : `${each.kind} `}
              <span class="name">{each.name}</span>
            </span>
            <span>
              <ConnectionSays connection={each} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The look of a connection is that of a state of runs. */
export function lookName({ state }: Pick<ConnectionState, 'state'>): string {
  return state === 'answers' ? 'succeeded' : state === 'silent' ? 'failed' : 'queued';
}

/** Whether it answers, since when, and if not, why and what to do. */
export function ConnectionSays({ connection: { state, since, why, hint } }: { readonly connection: ConnectionState }) {
  return (
    <>
      {words[state]}{' '}
      <span class="quiet">
        since <Time at={since} />
      </span>
      {why === undefined ? null : (
        <span class="line">
          <Prose text={why} />
        </span>
      )}
      {hint === undefined ? null : (
        <span class="line quiet">
          What to do: <Prose text={hint} />
        </span>
      )}
    </>
  );
}

/** `sources 1/1`: those that answer, or would once they are used, of all. */
function Count({ name, of }: { readonly name: string; readonly of: readonly ConnectionState[] }) {
  const well = of.filter(({ state }) => state !== 'silent').length;
  const bad = well < of.length;
  return (
    <span class={bad ? 'tone-bad' : 'quiet'}>
      {bad ? <Mark look={lookOf('failed')} /> : null}
      {name} {well}/{of.length}
    </span>
  );
}

function One({ connection }: { readonly connection: ConnectionState }) {
  const bad = connection.state === 'silent';
  return (
    <span class={bad ? 'tone-bad' : 'quiet'}>
      {bad ? <Mark look={lookOf('failed')} /> : null}
      {connection.kind} {bad ? 'silent' : 'ok'}
    </span>
  );
}
