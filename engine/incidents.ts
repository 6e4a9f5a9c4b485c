import type { Alarm } from './alarm.ts';
import type { Lease } from './connector.ts';
import type { Problem } from './problem.ts';

/** A problem from the moment at which it was opened until it is over. Times are ISO 8601 UTC. */
export interface Incident {
  readonly id: string;
  /** As it was when it was opened. */
  readonly problem: Problem;
  readonly openedAt: string;
  readonly closedAt: string | undefined;
  readonly deliveries: readonly Delivery[];
}

/** One alarm on its way to one channel. */
export interface Delivery {
  readonly incident: string;
  readonly event: 'opened' | 'closed';
  readonly channel: string;
  /** `given-up`: not sent, and not tried any more. */
  readonly state: 'due' | 'sent' | 'given-up';
  readonly attempts: number;
  /** Not tried before then. */
  readonly nextAt: string;
  readonly sentAt: string | undefined;
  /** Why it is not sent (yet). */
  readonly error: string | undefined;
}

/** What one look found: kept whole or not at all. */
export interface IncidentChange {
  readonly at: string;
  /** One with an id, or with the key of an open one, that is there already is left as it is. `over`: it was over before it was seen. */
  readonly opened: readonly {
    readonly id: string;
    readonly problem: Problem;
    readonly channels: readonly string[];
    readonly over: boolean;
  }[];
  /** Ids. Whom it was told to, or was to be told to, is told that it is over; what was to be told of its beginning is not told any more. */
  readonly closed: readonly string[];
}

/** What a delivery came to. */
export type Outcome =
  | { readonly state: 'sent'; readonly at: string }
  | { readonly state: 'due'; readonly error: string; readonly nextAt: string }
  | { readonly state: 'given-up'; readonly error: string };

/** Incidents and their alarms, in the state store. `record` and `claim` take the leader's lease and are refused (`lease.lost`) in the same transaction once another daemon leads. Every method may throw EngineError of trouble `outside`. */
export interface Incidents {
  /** Those that are open, oldest first. */
  open(): Promise<readonly Incident[]>;
  /** The newest first; with an id, those before that one. */
  newest(limit: number, before?: string): Promise<readonly Incident[]>;
  record(leader: Lease, change: IncidentChange): Promise<void>;
  /** Deliveries that are not sent, oldest first, with their alarms. */
  unsent(): Promise<readonly UnsentDelivery[]>;
  /** Takes deliveries for one try, each of which counts: until `untilMs` nobody else tries them. Returns those that are still due at `nowMs`. */
  claim(leader: Lease, deliveries: readonly Delivery[], nowMs: number, untilMs: number): Promise<readonly Delivery[]>;
  /** What the try came to, whoever leads by now. */
  settle(delivery: Delivery, outcome: Outcome): Promise<void>;
  /** Removes those that have been over since before then, at most `limit`. */
  prune(beforeMs: number, limit: number): Promise<void>;
}

export interface UnsentDelivery extends Delivery {
  readonly alarm: Alarm;
}
