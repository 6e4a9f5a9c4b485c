import { suggest } from '../base/suggest.ts';
import type { Findings } from './findings.ts';

/** A finding when there is no such IANA time zone. Offsets such as `+02:00` know no summer time and are none. */
export function checkTimezone(name: string, pointer: string, findings: Findings): void {
  if (name === 'UTC') return;
  if (/^[A-Za-z]/.test(name) && isKnown(name)) return;
  const near = suggest(name, Intl.supportedValuesOf('timeZone')) ?? suggest(name.split('/').at(-1) ?? '', ['UTC']);
  findings.on(pointer, 'value', {
    code: 'config.timezone',
    message: `there is no time zone \`${name}\``,
    hint: near === undefined ? 'Write a name of the IANA list, such as `UTC` or `Europe/Berlin`.' : `Did you mean \`${near}\`?`,
  });
}

function isKnown(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
