import type { JsonObject } from './base/json.ts';

/** What kind of trouble an error is; each kind has one exit code, given by `exitCodeOf`. */
export type Trouble =
  /** a run, a check or a verification failed (exit 1) */
  | 'failed'
  /** the configuration or the command line is wrong (exit 2) */
  | 'usage'
  /** something outside cannot be reached or lacks a right (exit 3) */
  | 'outside'
  /** a guard refused: plan out of date, state would go backwards, another run holds the table (exit 4) */
  | 'refused'
  /** stopped by a signal (exit 130 or 143) */
  | 'stopped';

export interface EngineErrorOptions {
  readonly cause?: unknown;
  /** What to do next, as one or two plain sentences. */
  readonly hint?: string;
  /** True only when trying again, with nothing changed by a person, may succeed. */
  readonly retryable?: boolean;
  /** What the failed node leaves behind for a later try (its `NodeContext.history`). */
  readonly facts?: JsonObject;
}

/** The plain form of an error, as it travels in events and in `--json`. */
export interface ErrorData {
  readonly code: string;
  readonly trouble: Trouble;
  readonly message: string;
  readonly hint?: string;
  readonly retryable: boolean;
}

/**
 * A failure of the world, told to a person: what happened and where (`message`), why (`cause`) and what to do (`hint`).
 * `code` is stable and dotted (`postgres.connection-refused`, `lake.disk-full`). Translated from a driver's error once, at the connector's edge.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly trouble: Trouble;
  readonly code: string;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly facts: JsonObject | undefined;

  constructor(trouble: Trouble, code: string, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.trouble = trouble;
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.facts = options.facts;
  }

  toData(): ErrorData {
    return {
      code: this.code,
      trouble: this.trouble,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      retryable: this.retryable,
    };
  }
}

/** Any thrown value as data; what is no `EngineError` is a defect of the engine's own (`engine.defect`). */
export function errorData(error: unknown): ErrorData {
  if (error instanceof EngineError) return error.toData();
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'engine.defect', trouble: 'failed', message, retryable: false };
}

/** The error that an attempt ends with when its run was told to stop. */
export function stoppedError(reason = 'the run was told to stop'): EngineError {
  return new EngineError('stopped', 'run.stopped', reason);
}

const exitCodes: Readonly<Record<Trouble, number>> = { failed: 1, usage: 2, outside: 3, refused: 4, stopped: 130 };

/** The process exit code of an error, as product.md's table of exit codes has it. */
export function exitCodeOf(error: { readonly trouble: Trouble } | undefined): number {
  return error === undefined ? 1 : exitCodes[error.trouble];
}
