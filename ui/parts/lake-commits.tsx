import { useEffect, useRef } from 'preact/hooks';
import type { LakeVersion, VersionPage, VersionsPage } from '../../engine/api-table.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { readerZone } from '../clock.ts';
import { bytesText, countText } from '../figures.ts';
import { setQuery, useAddress } from '../router.ts';
import { runPath, tablePath } from '../routes.ts';
import { shortTime, wholeTime } from '../times.ts';
import { Empty, Failure, Section, Waiting } from './messages.tsx';
import { NumberCell } from './number-cell.tsx';
import { Pages } from './pages.tsx';
import { Scroll } from './scroll.tsx';
import { Time } from './time.tsx';

const shown = '20';

/** Where the commits of a table are asked for that the address names. */
export function commitsPath(table: string, query: URLSearchParams): string {
  return paths.tableVersions(table, { before: query.get('before') ?? undefined, limit: shown });
}

/** The commits of a table's log in the lake in pages; the one that the address names with its files. */
export function LakeCommits({ table }: { readonly table: string }) {
  const { query } = useAddress();
  const before = query.get('before') ?? undefined;
  const named = query.get('version');
  const chosen = named !== null && /^\d{1,15}$/.test(named) ? Number(named) : undefined;
  const { data, failure } = useAnswer<VersionsPage>(commitsPath(table, query));
  return (
    <Section id="lake" title="lake" note="its commits, newest first">
      {chosen === undefined ? null : (
        <Chosen table={table} version={chosen} newest={before === undefined ? data?.versions[0]?.version : undefined} />
      )}
      {failure === undefined ? null : (
        <Failure what="The lake's log cannot be read" failure={failure} still="What is in staging does not depend on it." />
      )}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Reading the log ..." />
        ) : null
      ) : data.versions.length === 0 ? (
        <Empty title={before === undefined ? 'Nothing is in the lake yet' : 'The log does not go back that far'}>
          The first extract makes version 0; every later one that finds something adds a commit.
        </Empty>
      ) : (
        <Commits table={table} versions={data.versions} chosen={chosen} />
      )}
      <Pages
        before={before}
        next={data?.next === undefined ? undefined : String(data.next)}
        go={(to) => setQuery({ before: to })}
        what="commits"
      />
    </Section>
  );
}

function Commits({
  table,
  versions,
  chosen,
}: {
  readonly table: string;
  readonly versions: readonly LakeVersion[];
  readonly chosen: number | undefined;
}) {
  return (
    <Scroll label="commits">
      <table class="rows wide stacks">
        <thead>
          <tr>
            <th scope="col">version</th>
            <th scope="col">at</th>
            <th scope="col">operation</th>
            <th scope="col" class="number">
              rows
            </th>
            <th scope="col" class="number">
              files added
            </th>
            <th scope="col" class="number">
              removed
            </th>
            <th scope="col" class="number">
              size
            </th>
            <th scope="col">read</th>
            <th scope="col">run</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((commit) => (
            <tr key={commit.version} class={commit.version === chosen ? 'chosen' : undefined}>
              <th scope="row">
                <a href={tablePath(table, commit.version)} aria-current={commit.version === chosen ? 'true' : undefined}>
                  v{commit.version}
                </a>
              </th>
              <td class="nowrap">
                <Time at={commit.at} />
              </td>
              <td>{commit.by === undefined ? commit.operation : commit.by.mode === 'full' ? 'full extract' : 'incremental extract'}</td>
              {[
                commit.rows === undefined ? undefined : countText(commit.rows),
                countText(commit.files),
                commit.removed === 0 ? undefined : countText(commit.removed),
                bytesText(commit.bytes),
              ].map((number, index) => (
                <NumberCell key={index} to={tablePath(table, commit.version)} again>
                  {number}
                </NumberCell>
              ))}
              <td class="nowrap">{commit.by === undefined ? <span class="quiet nothing">-</span> : <From from={commit.by.from} />}</td>
              <td>
                {commit.by === undefined ? (
                  <span class="quiet">another program</span>
                ) : (
                  <a class="name" href={runPath(commit.by.runId, commit.by.node)}>
                    {commit.by.runId}
                  </a>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** From where an extract took rows: a moment in short, any other value as it is. */
function From({ from }: { readonly from: string | undefined }) {
  if (from === undefined) return <span>everything</span>;
  const at = /^\d{4}-\d\d-\d\dT/.test(from) ? Date.parse(from) : Number.NaN;
  if (Number.isNaN(at)) return <span>from {from}</span>;
  return <span title={`${from}, ${wholeTime(at, readerZone)}`}>from {shortTime(at, Date.now(), readerZone)}</span>;
}

interface ChosenProps {
  readonly table: string;
  readonly version: number;
  /** Where it is known: nothing comes after it yet. */
  readonly newest: number | undefined;
}

function Chosen({ table, version, newest }: ChosenProps) {
  const { data, failure } = useAnswer<VersionPage>(paths.tableVersion(table, version));
  const part = useRef<HTMLElement>(null);
  const there = data !== undefined;
  useEffect(() => {
    if (there) part.current?.scrollIntoView();
  }, [there, version]);
  return (
    <section class="version" ref={part} aria-label={`version ${version}`}>
      <div class="section-head">
        <h3>version {version}</h3>
        {data === undefined ? null : (
          <span class="quiet">
            <Time at={data.version.at} />, <span class="name">{data.folder}/</span>
          </span>
        )}
        <span class="side">
          {version === 0 ? null : <a href={tablePath(table, version - 1)}>v{version - 1}</a>}{' '}
          {newest !== undefined && version >= newest ? null : <a href={tablePath(table, version + 1)}>v{version + 1}</a>}{' '}
          <button type="button" onClick={() => setQuery({ version: undefined })}>
            close
          </button>
        </span>
      </div>
      {failure === undefined ? null : <Failure what={`Version ${version} cannot be shown`} failure={failure} />}
      {data === undefined ? failure === undefined ? <Waiting what="Reading its entry ..." /> : null : <Files page={data} />}
    </section>
  );
}

function Files({ page }: { readonly page: VersionPage }) {
  const { changes, count } = page;
  if (count === 0) return <p class="quiet">It adds no file and takes none away: the extract found nothing new.</p>;
  return (
    <>
      <Scroll label="files">
        <table class="rows stacks">
          <thead>
            <tr>
              <th scope="col">file</th>
              <th scope="col">change</th>
              <th scope="col" class="number">
                rows
              </th>
              <th scope="col" class="number">
                size
              </th>
            </tr>
          </thead>
          <tbody>
            {changes.map(({ path, change, rows, bytes }) => (
              <tr key={`${change} ${path}`}>
                <th scope="row" class="name">
                  {path}
                </th>
                <td>{change}</td>
                <td class="number">{rows === undefined ? <span class="quiet nothing">-</span> : countText(rows)}</td>
                <td class="number">{bytes === undefined ? <span class="quiet nothing">-</span> : bytesText(bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {count > changes.length ? (
        <p class="quiet">
          The first {countText(changes.length)} of {countText(count)} files.
        </p>
      ) : null}
    </>
  );
}
