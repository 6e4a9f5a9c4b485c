import { useEffect, useState } from 'preact/hooks';
import type { RunsPage as Page } from '../../engine/api.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Pages } from '../parts/pages.tsx';
import { RunList } from '../parts/run-list.tsx';
import { setQuery, useAddress } from '../router.ts';
import { lookOf } from '../states.ts';

const states = ['running', 'succeeded', 'failed', 'cancelled', 'interrupted'];
const shown = '50';

/** Everything that ran, newest first; what is asked for stands in the address. */
export function RunsPage() {
  const { query } = useAddress();
  const filter = { pipeline: query.get('pipeline') ?? undefined, state: query.get('state') ?? undefined };
  const before = query.get('before') ?? undefined;
  const { data, failure } = useAnswer<Page>(paths.runs({ ...filter, before, limit: shown }));
  const [typed, setTyped] = useState(filter.pipeline ?? '');
  useEffect(() => setTyped(filter.pipeline ?? ''), [filter.pipeline]);
  return (
    <Section
      title="runs"
      note="newest first"
      side={
        <form
          class="log-tools"
          onSubmit={(event) => {
            event.preventDefault();
            setQuery({ pipeline: typed, before: undefined });
          }}
        >
          <input
            aria-label="pipeline"
            type="search"
            placeholder="pipeline"
            value={typed}
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />

          <select
            aria-label="state"
            value={filter.state ?? ''}
            onChange={(event) => setQuery({ state: event.currentTarget.value, before: undefined })}
          >
            <option value="">all states</option>
            {states.map((state) => (
              <option key={state} value={state}>
                {lookOf(state).word}
              </option>
            ))}
          </select>
        </form>
      }
    >
      <h1 class="unseen">Runs</h1>
      {failure === undefined ? null : <Failure what="The runs cannot be shown" failure={failure} />}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for the runs ..." />
        ) : null
      ) : data.runs.length === 0 ? (
        <Empty title="No run matches">
          Runs appear here as they begin. <a href="/">The overview</a> leads to each pipeline, where one can be started.
        </Empty>
      ) : (
        <RunList runs={data.runs} />
      )}
      <Pages before={before} next={data?.next} go={(to) => setQuery({ before: to })} what="runs" />
    </Section>
  );
}
