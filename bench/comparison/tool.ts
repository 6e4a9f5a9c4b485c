/** What a tool is given: a table `public.<table>` with a key `id`, a cursor `updated_at` and a column `value`. */
export interface Task {
  /** A folder of its own, kept between the syncs of one table. */
  readonly folder: string;
  readonly source: string;
  readonly target: string;
  readonly table: string;
}

/** How a sync ended: well, or with the words that a user would see. */
export type Ended = { readonly ok: true } | { readonly ok: false; readonly said: string };

/** A setting that a tool's documentation has for a case: a short name for the table, and how it is written. */
export interface Remedy {
  readonly name: string;
  readonly written: string;
}

/** A way to take what changed in a table into `staging.<table>` of another database. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  /** The settings that were on, for the reader of the table. */
  readonly settings: string;
  /** Tried where the plain settings were not exact. */
  readonly remedies: { readonly late?: Remedy; readonly values?: Remedy };
  /** Takes the whole table at first, then what changed. */
  sync(task: Task, remedy: boolean): Promise<Ended>;
}
