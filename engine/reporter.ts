import type { Diagnostic } from './config.ts';
import type { ErrorData } from './error.ts';
import type { Event } from './event.ts';
import type { Plan } from './plan.ts';

/** Shows what happens. Data goes to stdout, messages and progress to stderr; nothing leaves without `redact`. */
export interface Reporter {
  event(event: Event): void;
  diagnostics(found: readonly Diagnostic[]): void;
  plan(plan: Plan, options: { readonly sql: boolean }): void;
  error(error: ErrorData, cause?: unknown): void;
  /** A line for a person, not part of the data. */
  note(text: string): void;
  /** A command's data: a document under `--json`, else the text. `done`: the text only says that all went well, so that `--quiet` leaves it out. */
  data(document: object, text: () => string, kind?: 'done'): void;
  close(): void;
}
