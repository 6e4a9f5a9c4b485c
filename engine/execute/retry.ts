import type { RetryConfig } from '../config.ts';
import type { ErrorData } from '../error.ts';

/**
 * How long to wait after a failed attempt, in ms; undefined: do not try again.
 *
 *     wait(n) = min(maxDelay, delay * factor^(n-1)) * (1/2 + r/2)      n = 1 after the first attempt, r in [0, 1)
 *
 * The random half keeps tables that failed together from coming back together. Only retryable errors are tried again. Pure.
 */
export function retryDelay(retries: RetryConfig, attempt: number, error: ErrorData, random: number): number | undefined {
  if (!error.retryable || attempt >= retries.attempts) return undefined;
  const grown = Math.min(retries.maxDelayMs, retries.delayMs * retries.factor ** (attempt - 1));
  return Math.round(grown * (0.5 + random / 2));
}
