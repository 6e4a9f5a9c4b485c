import { EngineError } from '../../engine/error.ts';
import { postgresError } from './error.ts';
import { reasonOf } from './reason.ts';
import { misfitMark, nullCursorMark } from './select.ts';

/** As DuckDB gives it back, and not as a value that Postgres quotes may have it. */
const misfitAtBegin = new RegExp(`^(?:\\w+ )*Error: ${misfitMark}`);

/** DuckDB's words, or Node's. */
const noSpace = /^(?:\w+ )*Error: .*(?:no space left on device|disk quota)|^(?:ENOSPC|EDQUOT)\b/i;

/** True for DuckDB's error of a budget that is used up: fewer rows at once may fit. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory Error');
}

/** DuckDB's error as the engine's: a value that does not fit by name, memory, disk, else what Postgres said; nothing of a masked table's values. */
export function extractError(error: unknown, what: string, masked: boolean): EngineError {
  if (error instanceof EngineError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const misfit = misfitAtBegin.test(text) ? text.indexOf(misfitMark) : -1;
  const line = text.slice(misfit).split('\n')[0] ?? '';
  if (misfit >= 0 && line.endsWith(nullCursorMark))
    return new EngineError('failed', 'extract.null-cursor', `${what}: ${line.slice(misfitMark.length)}`, {
      hint: 'Give that row a cursor in the source, or choose `nullCursor: include` or `ignore`; nothing was committed',
    });
  if (misfit >= 0)
    return new EngineError('failed', 'extract.misfit', `${what}: ${line}`, {
      hint: 'Take that column as text: `columns: { types: { <column>: string } }`, or correct the value in the source; nothing was committed',
    });
  if (isOutOfMemory(error))
    return new EngineError(
      'failed',
      'extract.memory',
      `${what}: a part does not fit into the memory given (${text.split('\n')[0] ?? ''})`,
      {
        cause: error,
        hint: 'Raise `extract.memory`, or leave the widest columns out; nothing was committed',
      },
    );
  if (!reasonOf(text).passedOn && noSpace.test(text))
    return new EngineError('outside', 'lake.disk-full', `${what}: no space left where the lake's files are written`, {
      cause: error,
      hint: 'Free some space or move the lake; nothing was committed, and unfinished files were removed',
    });
  return masked ? withoutValues(error, what) : postgresError(error, what);
}

/** Postgres's error about a table with masked columns, without its words: any may quote a value, whatever the code is. */
export function withoutValues(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const { trouble, code, hint, retryable } = postgresError(error, what);
  return new EngineError(
    trouble,
    code,
    `${what}: Postgres gave an error that is not shown, because it may quote a value of a masked column`,
    {
      hint: `${hint === undefined ? '' : `${hint} `}The log of the source's own server has it. \`engine plan\` asks about the statement without reading rows; nothing was committed`,
      retryable,
    },
  );
}

/** What the planner says there may quote a constant, or whatever a function raises. */
const quotesValues: ReadonlySet<string> = new Set(['postgres.error', 'postgres.value', 'postgres.constraint', 'postgres.encoding']);

/** Postgres's error about a statement that reads no rows, of a table with masked columns: in its words where they are about the statement, and without details in any case. */
export function withoutDetails(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) return error;
  const { trouble, code, message, hint, retryable } = postgresError(error, what);
  if (quotesValues.has(code)) return withoutValues(error, what);
  return new EngineError(trouble, code, message.split('\n')[0] ?? '', { retryable, ...(hint === undefined ? {} : { hint }) });
}
