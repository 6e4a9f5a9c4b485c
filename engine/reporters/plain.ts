import { redact } from '../base/secret.ts';
import type { Event } from '../event.ts';
import type { Reporter } from '../reporter.ts';
import { painter } from './color.ts';
import { renderDiagnostics } from './diagnostic.ts';
import { errorText } from './error-view.ts';
import { eventLines } from './event-view.ts';
import type { Output } from './output.ts';
import { renderPlan } from './plan-view.ts';

const progressEveryMs = 10_000;

/** One line per thing worth telling, for pipes and log files; of a node's progress one line every ten seconds. */
export function plainReporter(output: Output): Reporter {
  const paint = painter(output.columns() !== undefined, output.env);
  const toldAt = new Map<string, number>();
  let isFirstPlan = true;
  const tooSoon = (event: Event): boolean => {
    if (event.type !== 'node.started' && event.type !== 'node.progress') return false;
    const at = Date.parse(event.at);
    const before = toldAt.get(event.node);
    if (event.type === 'node.progress' && before !== undefined && at - before < progressEveryMs) return true;
    toldAt.set(event.node, at);
    return false;
  };
  return {
    event: (event) => {
      if (tooSoon(event)) return;
      for (const line of eventLines(event, paint)) output.error(redact(`${line}\n`));
    },
    diagnostics: (found) => output.error(redact(renderDiagnostics(found, { colour: paint('bold', '') !== '' }))),
    plan: (plan, options) => {
      output.out(redact(`${isFirstPlan ? '' : '\n'}${renderPlan(plan, { ...options, paint: painter(output.outIsTerminal, output.env) })}`));
      isFirstPlan = false;
    },
    error: (error, cause) => output.error(errorText(error, cause, paint)),
    note: (text) => output.error(redact(`${text}\n`)),
    data: (_document, text) => {
      const shown = text();
      if (shown !== '') output.out(redact(shown.endsWith('\n') ? shown : `${shown}\n`));
    },
    close: () => undefined,
  };
}
