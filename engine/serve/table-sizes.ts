import type { TableView } from '../api.ts';
import type { TableLine } from '../api-table.ts';
import type { Config, Relation } from '../config.ts';
import { EngineError, errorData } from '../error.ts';
import type { NodeRecord } from '../history.ts';
import { endedMs, type Looking } from './looking.ts';
import type { ServerParts } from './parts.ts';
import { settingsOfTable } from './table-known.ts';

type Sizes = Pick<TableLine, 'lake' | 'staging'>;

/** What is as old is looked up again. */
const oldMs = 60_000;

/** How large tables are, as far as that was looked up: nobody waits for it. What is not known, or known to be old, is looked up meanwhile. */
export function createSizes(
  { clock, tell }: ServerParts,
  looking: Looking,
): {
  of(config: Config, views: readonly TableView[]): { readonly sizes: (table: string) => Sizes; readonly looking: boolean };
} {
  /** Why something cannot be looked up is told on the page of the table. */
  const meanwhile = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => {
      if (!(error instanceof EngineError)) tell('error', `looking up how large tables are failed: ${errorData(error).message}`);
    });
  };
  /** True where it changed after that; a time to come is another machine's clock, and says nothing. */
  const isOvertaken = (at: string, changedMs: number): boolean => Date.parse(at) < changedMs && changedMs <= clock.now();
  return {
    of(config, views) {
      const staging = new Map<string, Sizes['staging']>();
      const loads = new Map(views.map(({ table, load }) => [table, load]));
      // What is shown is older than what is known to have happened: whoever asks again is told more.
      let overtaken = false;
      const settings = new Map(
        views.flatMap(({ table }) => {
          const found = settingsOfTable(config, table, looking.knownLake(config, table)?.value.relation);
          return found === undefined ? [] : [[table, found] as const];
        }),
      );
      for (const sink of new Set([...settings.values()].map((one) => one.sink))) {
        const of = [...settings].filter(([, one]) => one.sink === sink);
        const relations = of.map(([, { into }]) => into);
        const known = looking.knownRelations(config, 'sink', sink, relations);
        const loadedMs = Math.max(...of.map(([table]) => endedMs(loads.get(table))));
        if (known === undefined || isOvertaken(known.at, loadedMs) || clock.now() - Date.parse(known.at) > oldMs)
          meanwhile(looking.relations(config, 'sink', sink, relations));
        if (known !== undefined && isOvertaken(known.at, loadedMs)) overtaken = true;
        const by = new Map((known?.value ?? []).map((one) => [nameOf(one.relation), one]));
        for (const [table, { into }] of of) {
          const one = by.get(nameOf(into));
          const exact = rowsAfterWhole(loads.get(table));
          if (one !== undefined || exact !== undefined)
            staging.set(table, { rows: exact ?? one?.rows, exact: exact !== undefined, bytes: one?.bytes });
        }
      }
      const lakes = new Map<string, Sizes['lake']>();
      for (const { table, extract } of views) {
        const known = looking.knownLake(config, table);
        const { version: extracted } = extract?.facts ?? {};
        const old = known !== undefined && clock.now() - Date.parse(known.at) > oldMs;
        const extractedMs = endedMs(extract);
        // Others commit too: another version than the newest extract's is no reason to read the log again and again.
        if (
          typeof extracted === 'number' &&
          (known === undefined || isOvertaken(known.at, extractedMs) || (old && known.value.version !== extracted))
        )
          meanwhile(looking.lake(config, table, extractedMs));
        if (known === undefined || known.value.version < 0) continue;
        const { version, files, bytes } = known.value;
        lakes.set(table, { version, files, bytes });
      }
      return { sizes: (table) => ({ lake: lakes.get(table), staging: staging.get(table) }), looking: overtaken || looking.busy() };
    },
  };
}

/** How many rows staging has after a load that replaced all of it, exactly; undefined after any other. */
function rowsAfterWhole(load: NodeRecord | undefined): number | undefined {
  const { replaced, inserted } = load?.facts ?? {};
  return replaced === true && typeof inserted === 'number' ? inserted : undefined;
}

const nameOf = ({ schema, name }: Relation): string => JSON.stringify([schema, name]);
