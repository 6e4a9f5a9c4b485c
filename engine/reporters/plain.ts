import { redact } from '../base/secret.ts';
import type { Reporter } from '../reporter.ts';
import { painter } from './color.ts';
import { errorText } from './error-view.ts';
import { eventLines } from './event-view.ts';
import type { Output } from './output.ts';

/** One line per thing worth telling, for pipes and log files. */
export function plainReporter(output: Output): Reporter {
  const paint = painter(output.columns() !== undefined, output.env);
  return {
    event: (event) => {
      for (const line of eventLines(event, paint)) output.error(redact(`${line}\n`));
    },
    diagnostics: (found) => {
      void import('./diagnostic.ts').then(({ renderDiagnostics }) => output.error(redact(renderDiagnostics(found))));
    },
    plan: () => undefined,
    error: (error, cause) => output.error(errorText(error, cause, paint)),
    note: (text) => output.error(redact(`${text}\n`)),
    data: (_document, text) => {
      const shown = text();
      if (shown !== '') output.out(redact(shown.endsWith('\n') ? shown : `${shown}\n`));
    },
    close: () => undefined,
  };
}
