import type { Alarm, Sender } from '../alarm.ts';
import { countText } from '../base/count.ts';
import { durationText } from '../base/duration.ts';
import { redact } from '../base/secret.ts';
import type { Problem } from '../problem.ts';

const mostOfTitle = 200;
const mostOfLine = 1_000;

/** A message for people about one or more alarms, without secrets. */
export interface Message {
  /** One line. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** One alarm is told in full; of several the title has the count and the first, and each has its own lines. */
export function messageOf(alarms: readonly Alarm[], sender: Sender): Message {
  const [first, ...more] = alarms;
  if (first === undefined) throw new RangeError('a message without an alarm');
  const from = `${sender.project} on ${sender.host}`;
  const title =
    more.length === 0 ? headline(first) : `${countText(alarms.length)} alarms: ${headline(first)}, and ${countText(more.length)} more`;
  const lines =
    more.length === 0
      ? detailsOf(first)
      : alarms.flatMap((alarm, i) => [...(i === 0 ? [] : ['']), headline(alarm), ...detailsOf(alarm).map((line) => `  ${line}`)]);
  return {
    title: cut(oneLine(`[${sender.project}] ${title}`), mostOfTitle),
    lines: [...lines.map((line) => cut(oneLine(line), mostOfLine)), '', oneLine(`${from}, engine ${sender.version}`)],
  };
}

function headline({ event, problem, at }: Alarm): string {
  if (event === 'test') return 'a test: this channel works';
  const what = headlineOf(problem);
  return event === 'opened' ? what : `over after ${durationText(Math.max(0, Date.parse(at) - Date.parse(problem.since)))}: ${what}`;
}

function headlineOf({ kind, pipeline, table }: Problem): string {
  const name = pipeline ?? (table === undefined ? '' : `table ${table}`);
  switch (kind) {
    case 'failed':
      return `${name} failed`;
    case 'late':
      return `${name} is late`;
    case 'missed':
      return `${name} missed a time`;
    case 'held':
      return `${name}: the fence is held back`;
    case 'stale':
      return `${name} is stale`;
    default:
      return 'no daemon was there';
  }
}

function detailsOf({ event, problem, at }: Alarm): readonly string[] {
  if (event === 'test') return [problem.text];
  return event === 'opened'
    ? [problem.text, problem.hint, `since ${problem.since}`]
    : [`It was: ${problem.text}`, `from ${problem.since} to ${at}`];
}

/** Whatever a name or an error of a database holds, it stays on its line. */
function oneLine(text: string): string {
  return redact(text)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trimEnd();
}

/** At most so many characters; that some are missing is seen. */
export function cut(text: string, most: number): string {
  // Never half of a character.
  return text.length <= most ? text : `${text.slice(0, most - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
