import { useEffect, useRef } from 'preact/hooks';
import type { IncidentsPage } from '../../engine/api-settings.ts';
import { pending, useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText } from '../figures.ts';
import { setQuery, useAddress } from '../router.ts';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { useWatched } from '../watched.ts';
import { Empty, Failure, Section, Waiting } from './messages.tsx';
import { Pages } from './pages.tsx';
import { Prose } from './prose.tsx';
import { Scroll } from './scroll.tsx';
import { Mark, State } from './state-mark.tsx';
import { Since, Time } from './time.tsx';

const shown = '25';

/** What rang: each problem from its beginning to its end, and whom it was told to. */
export function IncidentList() {
  const { query } = useAddress();
  const before = query.get('incidentsBefore') ?? undefined;
  const { data, failure } = useAnswer<IncidentsPage>(paths.incidents({ before, limit: shown }));
  const ready = useWatched(pending) === 0 && data !== undefined;
  const part = useRef<HTMLDivElement>(null);
  const came = useRef(false);
  // The part moves as what is above it comes.
  useEffect(() => {
    if (!ready || came.current || window.location.hash !== '#incidents') return;
    came.current = true;
    part.current?.scrollIntoView();
  }, [ready]);
  return (
    <div id="incidents" ref={part}>
      <Section title="incidents" note="problems from their beginning to their end, and whom they were told to">
        {failure === undefined ? null : (
          <Failure what={data === undefined ? 'The incidents cannot be shown' : 'The incidents are from before'} failure={failure} />
        )}
        {data === undefined ? (
          failure === undefined ? (
            <Waiting what="Asking for the incidents ..." />
          ) : null
        ) : data.incidents.length === 0 ? (
          <Empty title="Nothing rang yet">
            A problem becomes an incident when the second look finds it too. Channels that are told of it stand under{' '}
            <span class="name">alerts.channels</span> in pipelines.yaml; <a href="/settings">settings</a> has those that are there, each
            with a test.
          </Empty>
        ) : (
          <Scroll label="incidents">
            <table class="rows stacks">
              <thead>
                <tr>
                  <th scope="col">problem</th>
                  <th scope="col">about</th>
                  <th scope="col">from</th>
                  <th scope="col">until</th>
                  <th scope="col">what</th>
                  <th scope="col">told to</th>
                </tr>
              </thead>
              <tbody>
                {data.incidents.map((incident) => (
                  <IncidentRow key={incident.id} incident={incident} />
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
        <Pages before={before} next={data?.next} go={(to) => setQuery({ incidentsBefore: to })} what="incidents" />
      </Section>
    </div>
  );
}

type Incident = IncidentsPage['incidents'][number];

function IncidentRow({ incident }: { readonly incident: Incident }) {
  const { problem, openedAt, closedAt, deliveries } = incident;
  const { kind, severity, pipeline, table, runId, text } = problem;
  const look = closedAt === undefined ? lookOf(severity === 'error' ? 'failed' : 'retrying') : lookOf('started');
  return (
    <tr>
      <th scope="row" class="nowrap">
        <span class="state">
          <Mark look={look} />
          <span class={closedAt === undefined ? `tone-${look.tone}` : undefined}>{kind}</span>
        </span>
      </th>
      <td>
        {pipeline !== undefined ? (
          <a class="name" href={pipelinePath(pipeline)}>
            {pipeline}
          </a>
        ) : table !== undefined ? (
          <a class="name" href={tablePath(table)}>
            {table}
          </a>
        ) : (
          'daemon'
        )}
        {runId === undefined ? null : (
          <a class="name line" href={runPath(runId)}>
            {runId}
          </a>
        )}
      </td>
      <td class="nowrap">
        <Time at={problem.since} />
        <span class="line quiet">
          opened <Time at={openedAt} show="clock" />
        </span>
      </td>
      <td class="nowrap">
        {closedAt === undefined ? (
          <>
            open for <Since at={openedAt} />
          </>
        ) : (
          <Time at={closedAt} />
        )}
      </td>
      <td class="did plainly">
        <Prose text={text} />
      </td>
      <td>
        {deliveries.length === 0 ? <span class="quiet">nobody</span> : null}
        {deliveries.map((delivery) => (
          <Told key={`${delivery.channel} ${delivery.event}`} delivery={delivery} />
        ))}
      </td>
    </tr>
  );
}

function Told({ delivery }: { readonly delivery: Incident['deliveries'][number] }) {
  const { channel, event, state, attempts, nextAt, sentAt, error } = delivery;
  return (
    <div class="told">
      <span class="nowrap">
        <State state={state === 'sent' ? 'sent' : state === 'due' ? 'queued' : 'given-up'} /> {event} to <span class="name">{channel}</span>
      </span>
      {sentAt === undefined ? null : (
        <span class="quiet">
          <Time at={sentAt} show="clock" />
        </span>
      )}
      {attempts > 1 || (state !== 'sent' && attempts > 0) ? <span class="quiet">tried {countText(attempts, 'time')}</span> : null}
      {state === 'due' ? (
        <span class="quiet">
          next <Time at={nextAt} show="away" />
        </span>
      ) : null}
      {error === undefined ? null : (
        <span class="line did">
          <Prose text={error} />
        </span>
      )}
    </div>
  );
}
