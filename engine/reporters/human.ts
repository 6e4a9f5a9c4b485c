import type { Clock } from '../base/clock.ts';
import type { Reporter } from '../reporter.ts';
import type { Output } from './output.ts';
import { plainReporter } from './plain.ts';

/** For a terminal: lines of what is at work are redrawn in place. */
export function humanReporter(output: Output, _clock: Clock): Reporter {
  return plainReporter(output);
}
