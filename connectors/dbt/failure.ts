import type { JsonObject } from '../../engine/base/json.ts';
import { EngineError } from '../../engine/error.ts';
import type { DbtResult } from '../../engine/event.ts';
import type { InvocationEnd } from './invocation.ts';

const failed: readonly DbtResult['status'][] = ['error', 'fail', 'partial success'];

/** True for a model or test that did not come out right. */
export function isFailed(result: DbtResult): boolean {
  return failed.includes(result.status);
}

/** What a retry of this node goes by. */
export function factsOf(results: readonly DbtResult[], targetPath: string): JsonObject {
  const ids = (some: (result: DbtResult) => boolean): string[] => results.filter(some).map((result) => result.uniqueId);
  return {
    failed: ids(isFailed),
    skipped: ids((result) => result.status === 'skipped'),
    succeeded: ids((result) => !isFailed(result) && result.status !== 'skipped'),
    targetPath,
  };
}

/** Models and tests that failed, each by name with dbt's own reason; facts for a retry. `dbt.failed`. */
export function failureOfResults(results: readonly DbtResult[], targetPath: string, logFile: string): EngineError {
  const wrong = results.filter(isFailed);
  const skipped = results.filter((result) => result.status === 'skipped').length;
  const each = wrong.map((result) => `${result.kind} ${result.name}: ${oneLine(result.message ?? result.status)}`);
  const rest = skipped === 0 ? '' : ` (${skipped} skipped because of it)`;
  const retryable = wrong.every((result) => passes(result.message ?? ''));
  return new EngineError('failed', 'dbt.failed', `${wrong.length} failed in dbt${rest}: ${each.join('; ')}`, {
    hint: `dbt's log is ${logFile}. After a correction of what a test looks at, engine retry runs only what failed and was skipped; after a change of a model, run the pipeline again.`,
    retryable,
    facts: factsOf(results, targetPath),
  });
}

/** dbt ended without results to go by: it crashed, or could not read the project or the profile. `dbt.broken`, or `dbt.unreachable` when it was the server. */
export function failureWithout(end: InvocationEnd, why: string, errors: readonly string[], logFile: string): EngineError {
  const reasons = errors.map(oneLine);
  // After a good ending it is the missing results that are the failure.
  const said = (end.code === 0 || reasons.length === 0 ? [why, ...reasons] : reasons).join('; ');
  const how = end.signal === null ? `exit ${end.code}` : end.signal;
  if (errors.some(isUnreachable))
    return new EngineError('outside', 'dbt.unreachable', `dbt cannot reach the warehouse: ${said}`, {
      hint: 'Look at the sink of dbt in pipelines.yaml, and at its server.',
      retryable: errors.some(passes),
    });
  return new EngineError('failed', 'dbt.broken', `dbt ended (${how}) without building anything: ${said}`, {
    hint: `Correct the dbt project; dbt's log is ${logFile}.`,
  });
}

function isUnreachable(text: string): boolean {
  return /connection to server .* failed|could not connect|could not translate host name/is.test(text);
}

/** True where the server was away or in the way for a moment: trying again may do. */
function passes(text: string): boolean {
  if (/authentication failed|does not exist|pg_hba|certificate|could not translate host name/i.test(text)) return false;
  return /connection to server .* failed|could not connect|server closed the connection|terminating connection|SSL SYSCALL|too many clients|too many connections|starting up|shutting down|deadlock detected|could not serialize|lock timeout/is.test(
    text,
  );
}

/** dbt's messages have several lines, the first often only a kind of error. */
function oneLine(text: string): string {
  const line = text
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('compiled code at'))
    .join(' ');
  return line.length > 500 ? `${line.slice(0, 499)}…` : line;
}
