import { useEffect, useState } from 'preact/hooks';
import type { Action, ActionsPage, AskedRun } from '../../engine/api.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { actionText } from '../asked-by.ts';
import { aboutOf, isRefused } from '../audit.ts';
import { IncidentList } from '../parts/incident-list.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Pages } from '../parts/pages.tsx';
import { Prose } from '../parts/prose.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Mark, State } from '../parts/state-mark.tsx';
import { Time } from '../parts/time.tsx';
import { setQuery, useAddress } from '../router.ts';
import { pipelinePath, runPath, tablePath } from '../routes.ts';
import { lookOf } from '../states.ts';
import './audit.css';

const shownActions = '50';

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
      <IncidentList />
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
