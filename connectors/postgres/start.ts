import { type Instant, plusMicros } from '../../engine/base/instant.ts';
import { EngineError } from '../../engine/error.ts';
import type { EngineCommit } from '../../lake/action.ts';
import type { ValueCursor } from './cursor.ts';

/** Who a source is: another identifier or database is another source. Undefined where the role may not ask. */
export interface SourceIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly database: string;
  readonly relation: string;
  readonly standby?: boolean;
}

/** What is known before an incremental extract chooses where it starts. */
export interface StartFacts {
  readonly last: EngineCommit | undefined;
  /** From the lake's `txn` action. */
  readonly fence: Instant | null;
  /** The source's clock now. */
  readonly now: Instant;
  readonly clockOffsetMs: number;
  readonly lookbackMs: number;
  readonly identity: SourceIdentity;
  readonly fingerprint: string;
}

/** Where an incremental extract starts: rows with a cursor not below `low` (an instant, or a value of an integer or text cursor), or all of them when it is null. */
export interface Start {
  readonly low: string | null;
  readonly warnings: readonly string[];
}

/** Clocks are read over a network: less than this is no turning back. */
const clockNoiseMs = 1000;

/**
 * The start of an incremental extract (design: exactness, section 1): the last fence less the lookback. Refuses (trouble `refused`) when what was
 * extracted so far came from another source or meant something else; such rows did not change their cursor.
 */
export function startOf(facts: StartFacts): Start {
  const { last } = facts;
  if (last === undefined) return { low: null, warnings: [] };
  refuseAnother(last, facts.identity);
  refuseAnotherMeaning(last, facts.fingerprint);
  if (facts.fence === null) return { low: null, warnings: ['the last extract could record no fence, so everything is taken again'] };
  const lookback = BigInt(facts.lookbackMs) * 1000n;
  const warnings: string[] = [];
  let low = plusMicros(facts.fence, -lookback);
  const fellMs = last.clockOffsetMs - facts.clockOffsetMs;
  if (fellMs > clockNoiseMs) {
    low = plusMicros(low, -BigInt(Math.ceil(fellMs)) * 1000n);
    warnings.push(
      `the source's clock was set back by ${(fellMs / 1000).toFixed(1)} s: the extract starts that much earlier; verify the table`,
    );
  }
  const fromNow = plusMicros(facts.now, -lookback);
  if (facts.now < low) {
    low = fromNow;
    warnings.push(
      `the source's clock (${facts.now}) is behind the last fence (${facts.fence}): the extract starts at ${low}; verify the table`,
    );
  }
  return { low, warnings: [...warnings, ...promoted(last.source, facts.identity)] };
}

/** What is known before an incremental extract by an integer or text cursor chooses where it starts. */
export interface ValueStartFacts extends Pick<StartFacts, 'last' | 'identity' | 'fingerprint'> {
  readonly cursor: Pick<ValueCursor, 'kind' | 'type'>;
  /** Integers below the highest one seen that are taken again. */
  readonly lookbackUnits: number;
}

/** The start where there is no fence: the highest value that an extract has seen, again, less the lookback. Refuses as `startOf` does. */
export function startOfValue({ last, identity, fingerprint, cursor, lookbackUnits }: ValueStartFacts): Start {
  if (last === undefined) return { low: null, warnings: [] };
  refuseAnother(last, identity);
  refuseAnotherMeaning(last, fingerprint);
  const value = last.value ?? null;
  const low = value === null || cursor.kind === 'text' ? value : lessUnits(value, lookbackUnits, cursor.type);
  return { low, warnings: promoted(last.source, identity) };
}

/** Where the next extract starts: the highest value of this one (`highest`, null where it saw none), and after changes never below the last. */
export function valueAfter(
  last: string | null,
  highest: string | null,
  mode: 'full' | 'incremental',
  kind: ValueCursor['kind'],
): { readonly value: string | null; readonly wentBack: boolean } {
  if (mode === 'full' || last === null) return { value: highest, wentBack: false };
  // Texts below the last one are not taken at all.
  const wentBack = highest === null || (kind === 'integer' && BigInt(highest) < BigInt(last));
  return { value: wentBack ? last : highest, wentBack };
}

const lowestBigint = -(2n ** 63n);

function lessUnits(value: string, units: number, type: ValueCursor['type']): string {
  const low = BigInt(value) - BigInt(units);
  return String(type === 'int8' && low < lowestBigint ? lowestBigint : low);
}

function promoted(last: SourceIdentity, now: SourceIdentity): readonly string[] {
  if (last.timeline === now.timeline) return [];
  return [
    `the source was promoted from a standby (timeline ${last.timeline} to ${now.timeline}): what it had not replayed is gone; verify the table`,
  ];
}

function refuseAnotherMeaning(last: EngineCommit, fingerprint: string): void {
  if (last.fingerprint === fingerprint) return;
  throw new EngineError(
    'refused',
    'extract.meaning-changed',
    `what the extract of ${last.source.relation} means has changed since the last one (columns, masks or their salt, where, cursor or key)`,
    {
      hint: 'Rows that did not change would keep their old form: run it once with --full-refresh',
    },
  );
}

/** The source's clock was seen to have been set back since the last extract: fences and candidates from before say nothing about who began since. */
export function clockWentBack(facts: Pick<StartFacts, 'last' | 'fence' | 'now' | 'clockOffsetMs'>): boolean {
  const { last, fence, now, clockOffsetMs } = facts;
  return (last !== undefined && last.clockOffsetMs - clockOffsetMs > clockNoiseMs) || (fence !== null && now < fence);
}

/** The part of an identity that differs: fences and candidates of one source mean nothing for another. A new timeline is the same source. */
function otherThan(last: SourceIdentity, now: SourceIdentity): 'server' | 'database' | 'table' | undefined {
  if (last.systemIdentifier !== now.systemIdentifier) return 'server';
  if (last.database !== now.database) return 'database';
  return last.relation === now.relation ? undefined : 'table';
}

/** True when both are the same table of the same database of the same server. */
export function isSameSource(last: SourceIdentity, now: SourceIdentity): boolean {
  return otherThan(last, now) === undefined;
}

function refuseAnother(last: EngineCommit, now: SourceIdentity): void {
  const other = otherThan(last.source, now);
  if (other === undefined) return;
  const was = { server: last.source.systemIdentifier, database: last.source.database, table: last.source.relation }[other];
  const is = { server: now.systemIdentifier, database: now.database, table: now.relation }[other];
  throw new EngineError(
    'refused',
    'extract.another-source',
    `the lake's ${last.source.relation} came from another ${other} (${was}, now ${is})`,
    {
      hint: 'Point the source back to where it was, or take the table anew with --full-refresh',
    },
  );
}
