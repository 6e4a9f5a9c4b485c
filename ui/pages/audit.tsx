import { useEffect, useRef, useState } from 'preact/hooks';
import type { Action, ActionsPage, AskedRun } from '../../engine/api.ts';
import type { IncidentsPage } from '../../engine/api-settings.ts';
import { pending, useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { actionText } from '../asked-by.ts';
import { aboutOf, isRefused } from '../audit.ts';
import { countText } from '../figures.ts';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Prose } from '../parts/prose.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { Since, Time } from '../parts/time.tsx';
import { setQuery, useAddress } from '../router.ts';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import { lookOf } from '../states.ts';
import { useWatched } from '../watched.ts';
import './audit.css';

const shownActions = '50';
const shownIncidents = '25';

/** As `engine/api.ts` has them. */
const actions: readonly Action['action'][] = [
  'trigger',
  'retry',
  'cancel',
  'pause',
  'resume',
  'dequeue',
  'test-channel',
  'doctor',
  'preview',
  'login',
  'logout',
  'create-token',
  'revoke-token',
];

/** Who did what, and what rang. */
export function AuditPage() {
  return (
    <>
      <h1 class="unseen">Audit</h1>
      <Actions />
      <Incidents />
    </>
  );
}

function Actions() {
  const { query } = useAddress();
  const filter = Object.fromEntries(['who', 'action', 'pipeline', 'refused'].map((name) => [name, query.get(name) ?? undefined]));
  const before = query.get('before') ?? undefined;
  const { data, failure } = useAnswer<ActionsPage>(paths.actions({ ...filter, before, limit: shownActions }));
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Section title="actions" note="what somebody did, or tried" side={<Filter filter={filter} />}>
      {failure === undefined ? null : (
        <Failure what={data === undefined ? 'The actions cannot be shown' : 'The actions are from before'} failure={failure} />
      )}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for the actions ..." />
        ) : null
      ) : data.actions.length === 0 ? (
        <Empty title={isFiltered || before !== undefined ? 'No action matches' : 'Nobody did anything yet'}>
          What is asked for here, by the API or with <span class="name">engine token</span> has a line here: who, when, from where, and what
          became of it.
        </Empty>
      ) : (
        <Scroll label="actions">
          <table class="rows stacks">
            <thead>
              <tr>
                <th scope="col">when</th>
                <th scope="col">who</th>
                <th scope="col">did</th>
                <th scope="col">about</th>
                <th scope="col">what became of it</th>
                <th scope="col">from</th>
              </tr>
            </thead>
            <tbody>
              {data.actions.map((action) => (
                <ActionRow key={action.id} action={action} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <Pages
        before={before}
        next={data?.next === undefined ? undefined : String(data.next)}
        go={(to) => setQuery({ before: to })}
        what="actions"
      />
    </Section>
  );
}

function Filter({ filter }: { readonly filter: Readonly<Record<string, string | undefined>> }) {
  return (
    <span class="log-tools">
      <Field name="who" value={filter.who} />
      <Field name="pipeline" value={filter.pipeline} />
      <select
        aria-label="action"
        value={filter.action ?? ''}
        onChange={(event) => setQuery({ action: event.currentTarget.value, before: undefined })}
      >
        <option value="">all actions</option>
        {actions.map((action) => (
          <option key={action} value={action}>
            {actionText(action)}
          </option>
        ))}
      </select>
      <label class="check">
        <input
          type="checkbox"
          checked={filter.refused === 'true'}
          onChange={(event) => setQuery({ refused: event.currentTarget.checked ? 'true' : undefined, before: undefined })}
        />{' '}
        refused only
      </label>
    </span>
  );
}

/** Asked for when it is entered, not with each letter. */
function Field({ name, value = '' }: { readonly name: string; readonly value: string | undefined }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setQuery({ [name]: typed.trim(), before: undefined });
      }}
    >
      <input
        type="search"
        aria-label={name}
        placeholder={name}
        size={14}
        value={typed}
        spellcheck={false}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          if (event.currentTarget.value === '') setQuery({ [name]: undefined, before: undefined });
        }}
      />
    </form>
  );
}

function ActionRow({ action }: { readonly action: Action }) {
  const { at, who, from, action: did, outcome, asked } = action;
  const refused = isRefused(action);
  return (
    <tr>
      <td class="nowrap">
        <Time at={at} />
      </td>
      <td class="nowrap">{who}</td>
      <td class="nowrap">{actionText(did)}</td>
      <td>
        <About action={action} />
      </td>
      <td class="did plainly">
        {refused ? (
          <span class="state">
            <Mark look={lookOf('failed')} />
            <span>
              <span class="tone-bad">refused</span>: <Prose text={outcome.replace(/^refused: /, '')} />
            </span>
          </span>
        ) : asked === undefined ? (
          <Prose text={outcome} />
        ) : (
          <Asked asked={asked} />
        )}
      </td>
      <td class="quiet nowrap">{from}</td>
    </tr>
  );
}

/** What became of a run that was asked for; before it begins, why it waits. */
function Asked({ asked: { state, runId, reason } }: { readonly asked: AskedRun }) {
  return (
    <span class="state">
      <State state={state} />
      {runId === undefined ? (
        reason === undefined ? null : (
          <span>
            <Prose text={reason} />
          </span>
        )
      ) : (
        <a class="name" href={runPath(runId)}>
          {runId}
        </a>
      )}
    </span>
  );
}

function About({ action }: { readonly action: Action }) {
  const about = aboutOf(action);
  switch (about.kind) {
    case 'pipeline':
      return (
        <a class="name" href={pipelinePath(about.name)}>
          {about.name}
        </a>
      );
    case 'run':
      return (
        <a class="name" href={runPath(about.name)}>
          {about.name}
        </a>
      );
    case 'table':
      return (
        <a class="name" href={tablePath(about.name)}>
          {about.name}
        </a>
      );
    case 'nothing':
      return <span class="quiet nothing">-</span>;
    default:
      return <span class="name">{about.name}</span>;
  }
}

function Incidents() {
  const { query } = useAddress();
  const before = query.get('incidentsBefore') ?? undefined;
  const { data, failure } = useAnswer<IncidentsPage>(paths.incidents({ before, limit: shownIncidents }));
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

function Pages({
  before,
  next,
  go,
  what,
}: {
  readonly before: string | undefined;
  readonly next: string | undefined;
  readonly go: (to: string | undefined) => void;
  readonly what: string;
}) {
  if (before === undefined && next === undefined) return null;
  return (
    <p class="acts">
      {before === undefined ? null : (
        <button type="button" onClick={() => go(undefined)} aria-label={`newest ${what}`}>
          newest
        </button>
      )}
      {next === undefined ? null : (
        <button type="button" onClick={() => go(next)} aria-label={`older ${what}`}>
          older
        </button>
      )}
    </p>
  );
}
