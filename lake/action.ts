import type { Instant } from '../engine/base/instant.ts';
import type { Json } from '../engine/base/json.ts';

/** Actions of a Delta log entry, as PROTOCOL.md (delta-io/delta) names them; each line of an entry holds one. */
export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly txn: Transaction }
  | { readonly commitInfo: CommitInfo };

export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface Metadata {
  /** Names the table for good: another id is another table. */
  readonly id: string;
  readonly name?: string;
  readonly format: { readonly provider: 'parquet'; readonly options: Readonly<Record<string, string>> };
  /** A `Schema` as JSON text. */
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

export interface Schema {
  readonly type: 'struct';
  readonly fields: readonly Field[];
}

/** A column of a lake table. `type` is Delta's: boolean, short, integer, long, float, double, decimal(p,s), string, binary, date, timestamp, timestamp_ntz. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, Json>>;
}

export interface AddFile {
  /** Relative to the table's folder, URI-encoded as PROTOCOL.md asks. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** JSON text: `{"numRecords": n, ...}`. */
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface RemoveFile {
  readonly path: string;
  readonly deletionTimestamp: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string>>;
  readonly size?: number;
}

export interface Transaction {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

export interface CommitInfo {
  readonly timestamp: number;
  readonly operation: string;
  readonly operationParameters?: Readonly<Record<string, Json>>;
  readonly engineInfo?: string;
  readonly engine?: EngineCommit;
}

/** What this engine says about its own commit, under one key so that readers that give types to other names are not misled. */
export interface EngineCommit {
  readonly format: 1;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly mode: 'full' | 'incremental';
  /** In `_extracted_at` of every row of this commit; rises with the version. */
  readonly extractedAt: Instant;
  /** The source's clock just before the fence was read. */
  readonly readAt: Instant;
  /** Where the next incremental extract starts, before its lookback; null: none could be had, the next one takes everything. */
  readonly fence: Instant | null;
  /** The cursor from which this extract took rows: an instant, or a value of an integer or text cursor; null for everything. */
  readonly low: string | null;
  /** The highest value of an integer or text cursor that was seen, as Postgres writes it: the next extract starts there. Null: none yet; absent where the cursor is a time. */
  readonly value?: string | null;
  /** Source clock minus engine clock, in milliseconds. */
  readonly clockOffsetMs: number;
  readonly snapshot: string;
  readonly source: {
    readonly systemIdentifier: string;
    readonly timeline: number;
    readonly database: string;
    readonly relation: string;
    /** Read from a standby: the fence is what it had replayed, which needs a longer lookback. Absent: no. */
    readonly standby?: boolean;
  };
  /** Of what the extract means: columns, where, mask, query, cursor, key. */
  readonly fingerprint: string;
  readonly key: readonly string[];
  readonly cursor: string | null;
  readonly rows: number;
  /** Candidates for a fence that needs no rights: a time, and the (pid, virtual id) pairs that were running then. */
  readonly candidates: readonly FenceCandidate[];
  /** Written by `commit`: the version before this one that brought data, so that a reader need not look at empty entries in between. */
  readonly dataBefore?: number;
}

export interface FenceCandidate {
  readonly at: Instant;
  /** `pid` -> virtual transaction id. A candidate is a fence once each pid has been seen without a transaction, or is gone. */
  readonly running: Readonly<Record<string, string>>;
}
