import { useEffect, useState } from 'preact/hooks';
import type { RunPage } from '../engine/api.ts';
import type { Event } from '../engine/event.ts';
import { applyEvent } from '../engine/run.ts';
import { againAfterMs } from './again.ts';
import { ApiFailure, address, get, paths } from './api.ts';
import { connection, noteFailure, onChanged } from './connection.ts';
import { isLive } from './states.ts';

/** A run as it is now: the page of it, and its events from there on, added up as they come. */
export interface WatchedRun {
  readonly page: RunPage | undefined;
  readonly failure: ApiFailure | undefined;
}

const drawMs = 100;

/** Follows a run until it has ended; no run is followed where none is named. */
export function useRun(runId: string | undefined): WatchedRun {
  const [watched, setWatched] = useState<WatchedRun & { readonly runId: string | undefined }>({
    runId,
    page: undefined,
    failure: undefined,
  });
  useEffect(() => {
    if (runId === undefined) return undefined;
    const watch = new RunWatch(runId, (next) => setWatched({ runId, ...next }));
    return () => watch.stop();
  }, [runId]);
  return watched.runId === runId ? watched : { page: undefined, failure: undefined };
}

class RunWatch {
  #page: RunPage | undefined;
  #source: EventSource | undefined;
  #drawing: number | undefined;
  #again: number | undefined;
  #stopped = false;
  #asking = false;
  readonly #runId: string;
  readonly #tell: (watched: WatchedRun) => void;
  readonly #unlisten: readonly (() => void)[];
  readonly #seen = (): void => this.#visible();

  constructor(runId: string, tell: (watched: WatchedRun) => void) {
    this.#runId = runId;
    this.#tell = tell;
    // Of an ended run only what others did with it changes: it is retried.
    this.#unlisten = [
      onChanged(() => {
        if (this.#page === undefined || !isLive(this.#page.run.state)) void this.#ask();
      }),
      // The line to the daemon was lost, and with it perhaps this one, without a word.
      connection.watch(() => {
        if (connection.get().state !== 'open') return;
        this.#close();
        void this.#ask();
      }),
    ];
    document.addEventListener('visibilitychange', this.#seen);
    void this.#ask();
  }

  stop(): void {
    this.#stopped = true;
    for (const unlisten of this.#unlisten) unlisten();
    document.removeEventListener('visibilitychange', this.#seen);
    window.clearTimeout(this.#drawing);
    this.#close();
  }

  #close(): void {
    window.clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }

  #visible(): void {
    if (document.hidden) this.#close();
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const page = await get<RunPage>(paths.run(this.#runId));
      if (this.#stopped) return;
      if (this.#page === undefined || page.seq >= this.#page.seq) this.#page = page;
      this.#tell({ page: this.#page, failure: undefined });
      if (isLive(this.#page.run.state)) this.#follow();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      noteFailure(error);
      if (this.#stopped) return;
      this.#tell({ page: this.#page, failure: error });
      if (error.status === 0 || error.status >= 500) this.#later();
    } finally {
      this.#asking = false;
    }
  }

  #later(): void {
    this.#close();
    this.#again = window.setTimeout(() => void this.#ask(), againAfterMs(Math.random()));
  }

  #follow(): void {
    if (this.#source !== undefined || this.#page === undefined || document.hidden) return;
    const source = new EventSource(address(paths.runStream(this.#runId, this.#page.seq)));
    this.#source = source;
    source.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Event));
    source.addEventListener('error', () => {
      if (!this.#stopped) this.#later();
    });
  }

  #take(event: Event): void {
    const page = this.#page;
    if (page === undefined || event.seq <= page.seq) return;
    this.#page = { ...page, run: applyEvent(page.run, event), seq: event.seq };
    if (!isLive(this.#page.run.state)) {
      this.#close();
      // What is known of a run only at its end (who goes on with it) is asked for once more.
      void this.#ask();
    }
    this.#drawing ??= window.setTimeout(() => {
      this.#drawing = undefined;
      if (!this.#stopped) this.#tell({ page: this.#page, failure: undefined });
    }, drawMs);
  }
}
