/** Why `fetch` gave no answer, as what follows the name of a host: `refused the connection`. */
export function whyUnanswered(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `did not answer within ${timeoutMs / 1000} s`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'refused the connection';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'is not known by that name';
  return `could not be reached: ${cause.message === '' ? (code ?? error.message) : cause.message}`;
}
