import { redact } from '../base/secret.ts';
import type { ErrorData } from '../error.ts';
import type { Paint } from './color.ts';

/** An error for a person: what happened, why, what to do. A stack only for a defect of the engine's own. */
export function errorText(error: ErrorData, cause: unknown, paint: Paint): string {
  if (error.code === 'engine.defect') {
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : error.message;
    return redact(`${paint('red', 'error')}: a defect of the engine: ${error.message}\n${stack}\n`);
  }
  const lines = [`${paint('red', 'error')}: ${error.message} ${paint('dim', `(${error.code})`)}`];
  for (const why of causes(cause)) if (!lines.some((l) => l.includes(why))) lines.push(`  why: ${why}`);
  if (error.hint !== undefined) lines.push(`  ${paint('cyan', 'what to do')}: ${error.hint}`);
  return redact(`${lines.join('\n')}\n`);
}

/** Messages of an error and of those behind it, nearest first; at most three. */
function causes(error: unknown): string[] {
  const found: string[] = [];
  let inner: unknown = error;
  while (inner instanceof Error && found.length < 3) {
    if (inner.message !== '') found.push(inner.message);
    inner = inner.cause;
  }
  return found;
}
