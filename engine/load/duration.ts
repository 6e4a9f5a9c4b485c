import { parseDuration } from '../base/duration.ts';
import type { Findings } from './findings.ts';

/** Milliseconds; a finding when the number is beyond all use. */
export function readDuration(text: string, pointer: string, findings: Findings): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    findings.on(pointer, 'value', { code: 'config.value', message: `\`${text}\` is longer than ten years`, hint: 'Write a shorter time.' });
  return ms ?? 0;
}
