/**
 * A place for immutable files with one atomic act: creating a name only if it is absent. Paths are relative, with `/`.
 * A folder and S3 are the implementations. Every method may throw EngineError of trouble `outside` (`lake.*`).
 */
export interface Lake {
  readonly type: string;
  /** Names the place for people and for the ledger; the same for every process that means the same place. */
  readonly uri: string;
  /** The whole file; undefined when absent. For small files (log entries). */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Files below a folder, in code unit order of their paths, from after `startAfter`; nothing for a folder that does not exist. */
  list(folder: string, startAfter?: string): AsyncIterable<LakeFile>;
  /** Creates a complete, durable file, never a torn one; `exists` when the name is taken, whoever took it. */
  createIfAbsent(path: string, content: Uint8Array): Promise<'created' | 'exists'>;
  /** Creates or replaces a small file (`_last_checkpoint`); readers see the old one or the new one. */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** Opens a new folder for data files to be written by a program that knows local files only. */
  write(folder: string): Promise<LakeWriter>;
  /** A local path of a data file, for reading; `release` when done with it. */
  fetch(path: string): Promise<{ readonly localPath: string; release(): Promise<void> }>;
  remove(path: string): Promise<void>;
}

export interface LakeFile {
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Parts are written into `localFolder` by name and published one by one as they are finished. */
export interface LakeWriter {
  readonly localFolder: string;
  /** Makes a finished part durable under `<folder>/<name>` and frees its local copy where there is one. Returns its size in bytes. */
  publish(name: string): Promise<number>;
  /** Removes what was not published and, with `discard`, what was. Never throws; call it always. */
  close(outcome: 'keep' | 'discard'): Promise<void>;
}
