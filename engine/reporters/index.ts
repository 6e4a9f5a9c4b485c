import type { Clock } from '../base/clock.ts';
import type { Reporter } from '../reporter.ts';
import { humanReporter } from './human.ts';
import { jsonReporter } from './json.ts';
import { type Output, processOutput } from './output.ts';
import { plainReporter } from './plain.ts';
import { quietReporter } from './quiet.ts';

/** The reporter that a command line asks for: `--json`, `--quiet`, else redrawn lines on a terminal and plain ones elsewhere. */
export function chooseReporter(
  wanted: { readonly json: boolean; readonly quiet: boolean },
  clock: Clock,
  output: Output = processOutput(),
): Reporter {
  if (wanted.json) return jsonReporter(output);
  if (wanted.quiet) return quietReporter(output);
  return output.columns() === undefined ? plainReporter(output) : humanReporter(output, clock);
}
