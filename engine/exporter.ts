import type { Event } from './event.ts';

/**
 * Tells a system outside what happens in one run. Never in the way of it: takes events in at once, holds a bounded number of them, never throws,
 * and says through its maker once that something is wrong.
 */
export interface Exporter {
  event(event: Event): void;
  /** Takes in what another process has told already: nothing of it is sent again, and what is left open is ended by later events. */
  catchUp(events: readonly Event[]): void;
  /** Sends what waits, for as long as its bound allows. */
  close(): Promise<void>;
}

/** What every exporter is told of the run's process. */
export interface ExporterParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One line for the run's log; without secrets. */
  warn(text: string): void;
}
