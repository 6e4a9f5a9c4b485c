import { useState } from 'preact/hooks';
import type { PreviewCell, PreviewColumn, PreviewPage } from '../../engine/api-table.ts';
import { ApiFailure, paths, post } from '../api.ts';
import { noteFailure } from '../connection.ts';
import { countText } from '../figures.ts';
import { Empty, Failure, Section } from './messages.tsx';
import { Scroll } from './scroll.tsx';
import { Time } from './time.tsx';

/** Some of the newest rows of staging, once somebody asks for them. */
export function RowPreview({ table, into }: { readonly table: string; readonly into: string | undefined }) {
  const [page, setPage] = useState<PreviewPage>();
  const [failure, setFailure] = useState<ApiFailure>();
  const [asking, setAsking] = useState(false);
  const look = async (): Promise<void> => {
    setAsking(true);
    try {
      setPage(await post<PreviewPage>(paths.tablePreview(table)));
      setFailure(undefined);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setFailure(error);
      noteFailure(error);
    } finally {
      setAsking(false);
    }
  };
  return (
    <Section
      title="latest rows"
      note={page === undefined ? undefined : <Told page={page} />}
      side={
        <button type="button" disabled={asking} onClick={() => void look()}>
          {page === undefined ? 'show the latest rows' : 'read them again'}
        </button>
      }
    >
      {failure === undefined ? null : (
        <Failure
          what="The rows cannot be shown"
          failure={failure}
          still={page === undefined ? undefined : 'What is shown was read before.'}
        />
      )}
      {page === undefined ? (
        <p class="quiet prose">
          Up to 20 rows of <span class="name">{into ?? 'staging'}</span> are read when you ask for them, for 3 s at the most. Columns that
          are masked or left out by now are not read. Who looked is recorded.
        </p>
      ) : page.rows.length === 0 ? (
        <Empty title={`${page.relation} has no row`}>A load that finds rows in the source brings them.</Empty>
      ) : (
        <Rows page={page} />
      )}
    </Section>
  );
}

function Told({ page }: { readonly page: PreviewPage }) {
  const { at, relation, order, newestBy, rows } = page;
  return (
    <>
      {countText(rows.length)} of <span class="name">{relation}</span>,{' '}
      {order === 'newest' ? (
        <>
          the newest by <span class="name">{newestBy}</span>
        </>
      ) : (
        'of those that were written last (not always the newest)'
      )}
      , read <Time at={at} show="away" />
    </>
  );
}

function Rows({ page }: { readonly page: PreviewPage }) {
  return (
    <Scroll label="latest rows">
      <table class="rows preview">
        <thead>
          <tr>
            {page.columns.map((column) => (
              <th key={column.name} scope="col" class={column.numeric ? 'number' : undefined} title={column.type}>
                <span class="name">{column.name}</span>
                {column.hidden === undefined ? null : <span class="masked">{column.hidden}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row, index) => (
            <tr key={row.map((cell) => cell?.text ?? '').join('\0') + index}>
              {page.columns.map((column, place) => (
                <Cell key={column.name} column={column} cell={row[place] ?? null} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** A row is one line: breaks in a value are shown as a sign. */
function oneLine(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '⏎').replaceAll('\t', '⇥');
}

function Cell({ column, cell }: { readonly column: PreviewColumn; readonly cell: PreviewCell | null }) {
  const side = column.numeric ? 'number' : undefined;
  if (column.hidden !== undefined)
    return (
      <td class={side}>
        <span class="hidden-value" role="img" aria-label={column.hidden}>
          •••
        </span>
      </td>
    );
  if (cell === null)
    return (
      <td class={side}>
        <span class="null-value">NULL</span>
      </td>
    );
  return (
    <td class={side}>
      <span class="value" title={cell.cut ? `${cell.text} ...` : cell.text}>
        {oneLine(cell.text)}
      </span>
      {cell.cut ? <span class="quiet">…</span> : null}
    </td>
  );
}
