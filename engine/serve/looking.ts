import { lakeFolder } from '../base/lake-folder.ts';
import type { Config, LakeConfig, Relation } from '../config.ts';
import type { Connection, Looked } from '../connector.ts';
import { EngineError } from '../error.ts';
import type { NodeRecord } from '../history.ts';
import { type LakeTable, readLakeTable } from './lake-table.ts';
import type { ServerParts } from './parts.ts';
import { createRemembering, type Patience, type Remembered } from './remembering.ts';

const freshMs = 10_000;
const patienceMs = 10_000;
/** A link ends its look itself, and says more of why. */
const linkPatienceMs = patienceMs + 2_000;
const looksAtOnce = 4;
const lakesAtOnce = 2;
const most = 2_000;

/**
 * Looks at sources, sinks and the lake, as they are now: a few at once, and none twice within ten seconds, however many pages are open; again where it is known to have changed since
 * (`changedMs`). What does not answer for as long is EngineError `connection.late` or `lake.late`.
 */
export interface Looking {
  relations(
    config: Config,
    kind: 'source' | 'sink',
    name: string,
    relations: readonly Relation[],
    changedMs?: number,
  ): Promise<Remembered<readonly Looked[]>>;
  lake(config: Config, table: string, changedMs?: number): Promise<Remembered<LakeTable>>;
  /** What was found last; nothing is looked for. */
  knownRelations(
    config: Config,
    kind: 'source' | 'sink',
    name: string,
    relations: readonly Relation[],
  ): Remembered<readonly Looked[]> | undefined;
  knownLake(config: Config, table: string): Remembered<LakeTable> | undefined;
  busy(): boolean;
}

export function createLooking(parts: ServerParts): Looking {
  const relations = createRemembering<readonly Looked[]>(parts.clock, { freshMs, atOnce: looksAtOnce, most });
  const lakes = createRemembering<LakeTable>(parts.clock, { freshMs, atOnce: lakesAtOnce, most });
  return {
    relations: (config, kind, name, wanted, changedMs) =>
      relations.get(
        keyOf(kind, name, wanted),
        async () => {
          const { look } = await linkOf(parts, config, kind, name);
          return look === undefined ? [] : look({ relations: wanted, signal: AbortSignal.timeout(patienceMs) });
        },
        changedMs,
        patienceFor('connection.late', `${kind} ${name}`, linkPatienceMs),
      ),
    lake: (config, table, changedMs) =>
      lakes.get(
        lakeKeyOf(config, table),
        async () => readLakeTable(await parts.lake(config), lakeFolder(table)),
        changedMs,
        patienceFor('lake.late', `the lake at ${lakePlace(config.lake)}`, patienceMs),
      ),
    knownRelations: (_config, kind, name, wanted) => relations.peek(keyOf(kind, name, wanted)),
    knownLake: (config, table) => lakes.peek(lakeKeyOf(config, table)),
    busy: () => relations.busy() || lakes.busy(),
  };
}

/** The link to a source or a sink of the configuration; EngineError `connection.unknown` for none. */
export async function linkOf(parts: ServerParts, config: Config, kind: 'source' | 'sink', name: string): Promise<Connection> {
  const there = kind === 'source' ? config.sources : config.sinks;
  if (!Object.hasOwn(there, name))
    throw new EngineError('usage', 'connection.unknown', `there is no ${kind} named ${name}`, {
      hint: `Look at the names under ${kind}s in pipelines.yaml.`,
    });
  return parts.link(config, kind, name);
}

/** When a node ended, in ms since 1970; 0 for none. */
export function endedMs(node: NodeRecord | undefined): number {
  return node?.endedAt === undefined ? 0 : Date.parse(node.endedAt);
}

function patienceFor(code: string, what: string, ms: number): Patience {
  return {
    ms,
    late: () =>
      new EngineError('outside', code, `${what} has not answered within ${ms / 1_000} s`, {
        hint: 'Look at the machine or the network share that it is on, and at the way there. engine doctor says what else does not answer.',
        retryable: true,
      }),
  };
}

function lakePlace(lake: LakeConfig): string {
  return lake.type === 'file' ? lake.path : `s3://${lake.bucket}${lake.prefix === '' ? '' : `/${lake.prefix}`}`;
}

const keyOf = (kind: string, name: string, relations: readonly Relation[]): string =>
  JSON.stringify([kind, name, relations.map(({ schema, name: relation }) => [schema, relation])]);

const lakeKeyOf = ({ lake }: Config, table: string): string => JSON.stringify([lake, table]);
