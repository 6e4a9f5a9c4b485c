import type { Reporter } from '../reporter.ts';
import type { Output } from './output.ts';
import { plainReporter } from './plain.ts';

/** Data and errors only; what merely says that all went well is no data. */
export function quietReporter(output: Output): Reporter {
  const plain = plainReporter(output);
  return {
    ...plain,
    event: (event) => {
      if (event.type === 'node.failed') plain.event(event);
    },
    note: () => undefined,
    data: (document, text, kind) => {
      if (kind !== 'done') plain.data(document, text, kind);
    },
  };
}
