import type { ComponentChildren } from 'preact';
import type { LivePart, RelationNow, TableLive, TablePage } from '../../engine/api-table.ts';
import { bytesText, countText, shortCount } from '../figures.ts';
import { runPath, tablePath } from '../routes.ts';
import { Prose } from './prose.tsx';
import { Since, Time } from './time.tsx';

/** A table at the four places that its rows pass, each with what is there now, or why that is not known. */
export function TableStages({ page, live }: { readonly page: TablePage; readonly live: TableLive | undefined }) {
  const { table, declared, lakeAsOf, asOf, analyticsAsOf, built, load } = page;
  const models = live?.analytics.found?.models ?? [];
  const last = models.filter(({ relation }) => relation !== undefined).at(-1);
  return (
    <ol class="stages" aria-label="where its rows are">
      <Stage name="source" where={live?.source.found?.system ?? declared?.source} what={live?.source.found?.relation ?? declared?.relation}>
        <Relation part={live?.source} />
      </Stage>
      <Stage
        name="lake"
        where={live?.lake.found === undefined ? undefined : `${live.lake.found.folder}/`}
        asOf={lakeAsOf}
        none="nothing extracted yet"
      >
        {live?.lake.found === undefined ? (
          <Trouble part={live?.lake} />
        ) : (
          <>
            <p>
              <a href={tablePath(table, live.lake.found.version)}>
                v{live.lake.found.version}, {countText(live.lake.found.files, 'file')}, {bytesText(live.lake.found.bytes)}
              </a>
            </p>
            {live.lake.found.rows === undefined ? null : (
              <p title="Every version of a row that was extracted: what changed is in it more than once.">
                <a href="#lake">{countText(live.lake.found.rows, 'row')} in files</a>
              </p>
            )}
          </>
        )}
      </Stage>
      <Stage
        name="staging"
        where={live?.staging.found?.system ?? declared?.sink}
        what={live?.staging.found?.relation ?? declared?.into}
        asOf={asOf}
        none="nothing loaded yet"
      >
        <Relation part={live?.staging} />
        {load === undefined ? null : (
          <p>
            <a href={runPath(load.runId, load.node)}>last load{load.rows === undefined ? '' : `: ${countText(load.rows, 'row')}`}</a>
          </p>
        )}
      </Stage>
      <Stage
        name="analytics"
        where={models.length === 0 ? undefined : <a href="#analytics">{countText(models.length, 'model')}</a>}
        what={last?.relation}
        asOf={analyticsAsOf}
        none={built === undefined ? 'dbt has built nothing from it yet' : 'not known'}
      >
        {last?.rows === undefined ? null : (
          <p title={`an estimate of the server: ${countText(Math.round(last.rows), 'row')}`}>~{shortCount(last.rows)} rows</p>
        )}
        {built === undefined ? null : (
          <p>
            <a href={runPath(built.runId)}>dbt last succeeded</a> <Time at={built.at} show="away" />
          </p>
        )}
        <Trouble part={live?.analytics} />
      </Stage>
    </ol>
  );
}

function Stage({
  name,
  where,
  what,
  asOf,
  none,
  children,
}: {
  readonly name: string;
  readonly where?: ComponentChildren;
  readonly what?: string | undefined;
  readonly asOf?: string | undefined;
  /** Said where there is no moment. */
  readonly none?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <li class="stage" aria-label={name}>
      <h2>
        {name} <span class="quiet">{where}</span>
      </h2>
      {what === undefined ? null : <p class="name">{what}</p>}
      {children}
      {none === undefined ? null : asOf === undefined ? (
        <p class="quiet">{none}</p>
      ) : (
        <p>
          all of the source up to <Time at={asOf} show="clock" />, <Since at={asOf} /> behind
        </p>
      )}
    </li>
  );
}

function Relation({ part }: { readonly part: LivePart<RelationNow> | undefined }) {
  if (part?.found === undefined) return <Trouble part={part} />;
  const { kind, rows, exact, bytes } = part.found;
  const estimate = 'an estimate of the server';
  return (
    <p>
      {rows === undefined ? (
        kind === 'view' ? (
          'a view: its rows are not counted'
        ) : (
          'not counted yet'
        )
      ) : exact ? (
        <a href="#loads" title="counted by its loads, since one that replaced all of it">
          {countText(rows, 'row')}
        </a>
      ) : (
        <span title={`${estimate}: ${countText(Math.round(rows), 'row')}`}>
          ~{shortCount(rows)} {Math.round(rows) === 1 ? 'row' : 'rows'}
        </span>
      )}
      {bytes === undefined || kind === 'view' ? null : (
        <>
          , <span title={estimate}>~{bytesText(bytes)}</span>
        </>
      )}
    </p>
  );
}

/** Why a place could not be looked at; the others are shown all the same. */
function Trouble({ part }: { readonly part: LivePart<unknown> | undefined }) {
  if (part === undefined) return <p class="quiet waiting">looking ...</p>;
  if (part.trouble === undefined) return null;
  const { message, hint } = part.trouble;
  return (
    <div class="stage-trouble">
      <p>
        <Prose text={message} />
      </p>
      {hint === undefined ? null : (
        <p class="hint">
          <Prose text={hint} />
        </p>
      )}
    </div>
  );
}
