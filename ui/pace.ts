import type { Progress } from '../engine/event.ts';
import { bytesText, countText, durationText } from './figures.ts';

/** How fast a node at work is, since its attempt began, and how long it still needs where that is known; empty before the first second. */
export function paceText({ rows, rowsOf, bytes }: Progress, elapsedMs: number): string {
  if (elapsedMs < 1_000) return '';
  const parts: string[] = [];
  if (rows !== undefined && rows > 0) parts.push(`${countText(Math.round((rows / elapsedMs) * 1_000))} rows/s`);
  if (bytes !== undefined && bytes > 0) parts.push(`${bytesText(Math.round((bytes / elapsedMs) * 1_000))}/s`);
  if (rows !== undefined && rows > 0 && rowsOf !== undefined && rowsOf > rows)
    parts.push(`~${durationText(((rowsOf - rows) / rows) * elapsedMs)} left`);
  return parts.join(', ');
}
