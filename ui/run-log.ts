import { useEffect, useState } from 'preact/hooks';
import type { LogLine, LogPage } from '../engine/api.ts';
import { ApiFailure, get, paths } from './api.ts';
import { noteFailure } from './connection.ts';

/** A run's log as far as it has been read. */
export interface RunLog {
  readonly lines: readonly LogLine[];
  /** True until what there is has been read. */
  readonly reading: boolean;
  /** True when the oldest lines were let go: only the newest are kept on a page. */
  readonly cut: boolean;
  readonly failure: ApiFailure | undefined;
}

const atOnce = 2_000;
const mostLines = 200_000;
const empty: RunLog = { lines: [], reading: true, cut: false, failure: undefined };

/** Reads a run's log page by page, and on whenever the run has come further (`seq` of its newest event). */
export function useRunLog(runId: string, seq: number | undefined): RunLog {
  const [log, setLog] = useState(empty);
  const [reader] = useState(() => new LogReader(runId, setLog));
  useEffect(() => () => reader.stop(), [reader]);
  useEffect(() => {
    if (seq !== undefined) reader.readTo(seq);
  }, [reader, seq]);
  return log;
}

class LogReader {
  #log = empty;
  #after = 0;
  #wanted = 0;
  #reading = false;
  #stopped = false;
  #again: number | undefined;
  readonly #runId: string;
  readonly #tell: (log: RunLog) => void;

  constructor(runId: string, tell: (log: RunLog) => void) {
    this.#runId = runId;
    this.#tell = tell;
  }

  stop(): void {
    this.#stopped = true;
    window.clearTimeout(this.#again);
  }

  readTo(seq: number): void {
    this.#wanted = Math.max(this.#wanted, seq);
    if (this.#reading) return;
    window.clearTimeout(this.#again);
    void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      let reached = -1;
      while (!this.#stopped && reached < this.#wanted) {
        const wanted = this.#wanted;
        const page = await get<LogPage>(paths.runLog(this.#runId, this.#after, atOnce));
        if (this.#stopped) return;
        this.#after = page.next ?? page.lines.at(-1)?.seq ?? this.#after;
        if (page.next === undefined) reached = wanted;
        this.#add(page.lines, page.next !== undefined);
      }
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      noteFailure(error);
      if (this.#stopped) return;
      this.#log = { ...this.#log, reading: false, failure: error };
      this.#tell(this.#log);
      this.#again = window.setTimeout(() => this.readTo(this.#wanted), 3_000);
    } finally {
      this.#reading = false;
    }
  }

  #add(lines: readonly LogLine[], reading: boolean): void {
    const all = lines.length === 0 ? this.#log.lines : [...this.#log.lines, ...lines];
    const cut = all.length > mostLines;
    this.#log = { lines: cut ? all.slice(-mostLines) : all, reading, cut: this.#log.cut || cut, failure: undefined };
    this.#tell(this.#log);
  }
}
