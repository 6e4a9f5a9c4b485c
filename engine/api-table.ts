import type { ApiError, TableView } from './api.ts';
import type { TableBrief } from './api-overview.ts';
import type { MaskKind } from './config.ts';
import type { NodeRecord } from './history.ts';

/** `GET /tables`: every table as a line. */
export interface TablesPage {
  readonly at: string;
  readonly tables: readonly TableLine[];
  /** Sizes are being looked up: whoever asks again in a second or two is told more. */
  readonly looking: boolean;
}

/** A table as a line, with sizes as they were when they were looked up last. */
export interface TableLine extends TableBrief {
  readonly lake: { readonly version: number; readonly files: number; readonly bytes: number } | undefined;
  /** `exact`: the newest load replaced all of it, and counted; else rows are the server's estimate. */
  readonly staging: { readonly rows: number | undefined; readonly exact: boolean; readonly bytes: number | undefined } | undefined;
}

/** `GET /tables/:table`: what the store knows; nothing else is waited for. */
export interface TablePage extends TableView {
  readonly at: string;
  /** What the configuration says of it; undefined where only a pattern names it. */
  readonly declared: TableDeclared | undefined;
  readonly nodes: readonly NodeRecord[];
}

export interface TableDeclared {
  readonly source: string;
  /** `schema.name` in the source. */
  readonly relation: string;
  readonly sink: string;
  /** `schema.name` in the sink. */
  readonly into: string;
  /** Undefined: the source's primary key. */
  readonly key: readonly string[] | undefined;
  readonly cursor: string | undefined;
  readonly load: 'merge' | 'append';
}

/** One commit of a table's log. */
export interface LakeVersion {
  readonly version: number;
  readonly at: string;
  readonly operation: string;
  readonly rows: number | undefined;
  /** Files that it added, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Files that are no part of the table any more. */
  readonly removed: number;
  /** Who wrote it, where that was the engine. */
  readonly by: LakeWriter | undefined;
}

/** What the engine says of its own commit. */
export interface LakeWriter {
  readonly runId: string;
  readonly node: string;
  readonly mode: 'full' | 'incremental';
  /** From where it took rows; undefined: everything. */
  readonly from: string | undefined;
  readonly fence: string | undefined;
}

/** `GET /tables/:table/versions?before=&limit=`, the newest first. `next`: give it as `before`. */
export interface VersionsPage {
  readonly versions: readonly LakeVersion[];
  readonly next: number | undefined;
}

/** `GET /tables/:table/versions/:version`. */
export interface VersionPage {
  readonly version: LakeVersion;
  /** Where its files are: the table's folder in the lake. */
  readonly folder: string;
  /** Of many only the first. */
  readonly changes: readonly LakeFileChange[];
  readonly count: number;
}

export interface LakeFileChange {
  /** In the table's folder. */
  readonly path: string;
  readonly change: 'added' | 'removed';
  readonly bytes: number | undefined;
  readonly rows: number | undefined;
}

/** `GET /tables/:table/loads?limit=`: loads that succeeded, the oldest first. */
export interface LoadsPage {
  readonly loads: readonly LoadPoint[];
}

/** One load in numbers. */
export interface LoadPoint {
  readonly runId: string;
  readonly pipeline: string;
  readonly node: string;
  readonly at: string;
  readonly rows: number | undefined;
  readonly inserted: number | undefined;
  readonly updated: number | undefined;
  readonly unchanged: number | undefined;
  /** It replaced all that was there. */
  readonly replaced: boolean;
  /** Rows in staging after it, where that follows from the loads since one that replaced all. */
  readonly total: number | undefined;
  /** How old the snapshot was that it brought. */
  readonly lagMs: number | undefined;
  readonly lakeVersion: number | undefined;
}

/** `GET /tables/:table/live`: what is there now, looked up where it is. Each part may fail by itself. */
export interface TableLive {
  readonly at: string;
  readonly source: LivePart<RelationNow>;
  readonly lake: LivePart<LakeNow>;
  readonly staging: LivePart<RelationNow>;
  readonly analytics: LivePart<AnalyticsNow>;
  /** The way of each column. */
  readonly columns: readonly ColumnWay[];
}

/** What was found, and what stood in the way: one of them, or (where a part of it is known) both. */
export interface LivePart<T> {
  /** When it was looked up. */
  readonly at: string;
  readonly found: T | undefined;
  readonly trouble: ApiError['error'] | undefined;
}

/** A relation of a source or a sink. Rows and bytes are estimates of its server; `exact`: rows are what loads add up to since one that replaced all. */
export interface RelationNow {
  /** The name of the source or sink in the configuration. */
  readonly system: string;
  /** `schema.name`. */
  readonly relation: string;
  readonly kind: string;
  readonly rows: number | undefined;
  readonly exact: boolean;
  readonly bytes: number | undefined;
}

export interface LakeNow {
  /** The table's folder. */
  readonly folder: string;
  readonly version: number;
  /** Files that are part of the table, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** In these files; of a table with a key that is every version of a row that was extracted. */
  readonly rows: number | undefined;
  readonly fence: string | undefined;
}

/** What dbt makes of a table. */
export interface AnalyticsNow {
  readonly models: readonly ModelNow[];
}

/** A model, seed or snapshot of dbt that reads the table, or reads one that does. */
export interface ModelNow {
  readonly uniqueId: string;
  readonly name: string;
  readonly kind: string;
  /** `schema.name`; undefined: it is nothing in the warehouse. */
  readonly relation: string | undefined;
  /** `table`, `view`; undefined where it could not be looked up. */
  readonly stands: string | undefined;
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  /** How it ended when it was built last, and by which run. */
  readonly status: string;
  readonly runId: string;
  readonly builtAt: string;
  /** It reads the table itself. */
  readonly direct: boolean;
  readonly tests: { readonly passed: number; readonly warned: number; readonly failed: readonly string[] };
}

/** A column at each place; undefined where it is not. */
export interface ColumnWay {
  readonly source: { readonly name: string; readonly type: string; readonly notNull: boolean } | undefined;
  /** `type` is Delta's. */
  readonly lake: { readonly name: string; readonly type: string } | undefined;
  readonly staging: { readonly name: string; readonly type: string } | undefined;
  readonly mask: MaskKind | undefined;
  /** What is different from what it should be, or was. */
  readonly differences: readonly string[];
  /** Why a column of the source goes no further, and of which kind one of the engine's own is. */
  readonly note: string | undefined;
}

/** `POST /tables/:table/preview`: some of the newest rows of staging. Who looked is recorded. */
export interface PreviewPage {
  readonly at: string;
  readonly relation: string;
  /** `newest`: by `newestBy`; `written`: those in the last blocks of the table, which is too large to be sorted or has no cursor. */
  readonly order: 'newest' | 'written';
  readonly newestBy: string | undefined;
  readonly columns: readonly PreviewColumn[];
  /** null: NULL, or a value that is not shown. */
  readonly rows: readonly (readonly (PreviewCell | null)[])[];
}

export interface PreviewColumn {
  readonly name: string;
  readonly type: string;
  /** Numbers stand on the right. */
  readonly numeric: boolean;
  /** Why its values are not shown. */
  readonly hidden: 'masked' | 'excluded' | undefined;
}

/** `cut`: there is more of it. */
export interface PreviewCell {
  readonly text: string;
  readonly cut: boolean;
}
