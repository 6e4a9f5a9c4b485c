import type { Instant } from '../engine/base/instant.ts';
import type { AddFile, EngineCommit, Field, Metadata, Protocol } from './action.ts';

/** A Delta table as its log says it is at one version. */
export interface TableState {
  /** Folder of the table in the lake. */
  readonly folder: string;
  /** -1: no table yet. */
  readonly version: number;
  readonly metadata: Metadata | undefined;
  readonly protocol: Protocol | undefined;
  readonly fields: readonly Field[];
  /** Active files, each with the version that added it where the log still tells. */
  readonly files: readonly ActiveFile[];
  /** The newest commit of this engine, and its version; undefined in a table that was never written by it, or whose log was cleaned up to a checkpoint. */
  readonly last: { readonly version: number; readonly commit: EngineCommit } | undefined;
  /** From the `txn` action, which survives checkpoints; null: none. */
  readonly fence: Instant | null;
  /** The newest version that brings something to load: its entry changed data, is a full extract, or created the table. -1: none. */
  readonly dataVersion: number;
  /** Version of the checkpoint that the log was read from; absent where it was read from its first entry. */
  readonly checkpoint?: number;
}

export interface ActiveFile {
  readonly add: AddFile;
  readonly version: number | undefined;
}

/** One version that brings something to load: entries with `dataChange: false` only are not among them. */
export interface VersionToLoad {
  readonly version: number;
  /** `full`: it replaces everything before; its files are all of the table's. */
  readonly kind: 'full' | 'changes';
  /** True when a key may stand in several of these files, in different versions: only its latest row counts (`latestSql`). Never for an ordinary extract. */
  readonly severalVersions: boolean;
  readonly files: readonly AddFile[];
  readonly rows: number | undefined;
  readonly commit: EngineCommit | undefined;
}

/** What an extract wants committed. */
export interface NewCommit {
  readonly commit: EngineCommit;
  readonly fields: readonly Field[];
  /** `engine.*` keys kept in the table's configuration (relation, key). */
  readonly configuration: Readonly<Record<string, string>>;
  readonly files: readonly NewFile[];
  /** Called just before the entry is created, each time it is tried: the last chance to refuse (a lost lease). */
  readonly check: () => Promise<void>;
  /** Name and version of the program, for other readers of the log. */
  readonly engineInfo?: string;
}

export interface NewFile {
  /** Relative to the table's folder, not encoded. */
  readonly path: string;
  readonly size: number;
  readonly rows: number;
}
