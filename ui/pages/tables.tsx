import { useEffect, useRef } from 'preact/hooks';
import type { TablesPage as Page } from '../../engine/api-table.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { countText } from '../figures.ts';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { TableList } from '../parts/table-list.tsx';
import { setQuery, useAddress } from '../router.ts';
import { foundTables } from '../tables-found.ts';

/** Sizes that are being looked up are asked for again so often; after so many times, more slowly. */
const againMs = 1_500;
const mostAgain = 8;
const slowlyMs = 10_000;

/** Every table: how old it is, how much of it there is, and who brings it. */
export function TablesPage() {
  const { query } = useAddress();
  const { data, failure, refresh } = useAnswer<Page>(paths.tables);
  const again = useRef(0);
  useEffect(() => {
    if (data?.looking !== true) {
      again.current = 0;
      return;
    }
    again.current += 1;
    const timer = window.setTimeout(refresh, again.current > mostAgain ? slowlyMs : againMs);
    return () => window.clearTimeout(timer);
  }, [data, refresh]);
  const search = query.get('search') ?? '';
  const found = foundTables(data?.tables ?? [], search);
  return (
    <>
      <h1 class="unseen">Tables</h1>
      <Section
        title="tables"
        note={data === undefined ? undefined : <Note found={found.length} all={data.tables.length} />}
        side={<SearchBox label="search tables and pipelines" placeholder="table or pipeline" search={search} />}
      >
        {failure === undefined ? null : (
          <Failure
            what="The tables cannot be shown"
            failure={failure}
            still={data === undefined ? undefined : 'What is shown is from before.'}
          />
        )}
        {data === undefined ? (
          failure === undefined ? (
            <Waiting what="Asking for the tables ..." />
          ) : null
        ) : data.tables.length === 0 ? (
          <Empty title="No pipeline has a table">
            Each table that a pipeline of <span class="name">pipelines.yaml</span> names has a line here: how old it is, how much of it
            there is, and who brings it.
          </Empty>
        ) : found.length === 0 ? (
          <Empty title={`No table matches ${search}`}>
            <button type="button" onClick={() => setQuery({ search: undefined })}>
              show all {countText(data.tables.length)}
            </button>
          </Empty>
        ) : (
          <TableList tables={found} />
        )}
      </Section>
    </>
  );
}

function Note({ found, all }: { readonly found: number; readonly all: number }) {
  return (
    <>
      {found === all ? countText(all) : `${countText(found)} of ${countText(all)}`}; how far the lake, staging and analytics are behind the
      source, and how large they are (~ is an estimate)
    </>
  );
}
