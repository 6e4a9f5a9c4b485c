import { redact, redactAll } from '../base/secret.ts';
import { redactEvent } from '../event.ts';
import type { Reporter } from '../reporter.ts';
import type { Output } from './output.ts';

/** For programs: events one per line, everything else one document, each with `format_version`; stdout holds nothing else. Notes go to stderr. */
export function jsonReporter(output: Output): Reporter {
  const line = (body: object): void => output.out(`${JSON.stringify({ format_version: 1, ...body })}\n`);
  const document = (body: object): void => line(redactAll(body) as object);
  return {
    event: (event) => line(redactEvent(event)),
    diagnostics: (found) => document({ type: 'findings', ok: !found.some((f) => f.severity === 'error'), findings: found }),
    plan: (plan) => document(plan),
    error: (error) => document({ type: 'error', error }),
    note: (text) => output.error(redact(`${text}\n`)),
    data: (body) => document(body),
    close: () => undefined,
  };
}
