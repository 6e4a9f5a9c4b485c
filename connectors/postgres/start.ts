import { type Instant, plusMicros } from '../../engine/base/instant.ts';
import { EngineError } from '../../engine/error.ts';
import type { EngineCommit } from '../../lake/action.ts';

/** Who a source is: another identifier or database is another source. Undefined where the role may not ask. */
export interface SourceIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly database: string;
  readonly relation: string;
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

/** Where an incremental extract starts: rows with a cursor not below `low`, or all of them when it is null. */
export interface Start {
  readonly low: Instant | null;
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
  if (last.fingerprint !== facts.fingerprint)
    throw new EngineError(
      'refused',
      'extract.meaning-changed',
      `what the extract of ${last.source.relation} means has changed since the last one (columns, where, cursor or key)`,
      {
        hint: 'Rows that did not change would keep their old form: run it once with --full-refresh',
      },
    );
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
  if (last.source.timeline !== facts.identity.timeline)
    warnings.push(
      `the source was promoted from a standby (timeline ${last.source.timeline} to ${facts.identity.timeline}): what it had not replayed is gone; verify the table`,
    );
  return { low, warnings };
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
