import { type CronFieldRule, cronFields, readCronField } from '../base/cron-field.ts';

/** The expression as five fields, or what is wrong with it: `part` says where, in characters of the text. */
export type CheckedCron =
  | { readonly cron: string }
  | { readonly problem: string; readonly hint: string; readonly part: readonly [from: number, to: number] };

/** crontab(5)'s short names. */
const shortNames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const fields: readonly CronFieldRule[] = Object.values(cronFields);
const longestMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Checks a cron expression by crontab(5): five fields of `*`, numbers, names, ranges, lists and steps, or a short name; says which field is wrong. One that never fires is wrong too. */
export function checkCron(text: string): CheckedCron {
  const trimmed = text.trim();
  const whole = [text.indexOf(trimmed), text.indexOf(trimmed) + trimmed.length] as const;
  if (trimmed.startsWith('@')) {
    const long = shortNames[trimmed.toLowerCase()];
    return long === undefined
      ? {
          problem: `\`${trimmed}\` is no short form of a schedule`,
          hint: `There are ${Object.keys(shortNames).join(', ')}.`,
          part: whole,
        }
      : { cron: long };
  }
  const found = [...text.matchAll(/\S+/g)];
  const written = found.map((field) => field[0]);
  if (written.length !== 5) {
    const six = written.length === 6 ? ' Seconds cannot be given.' : '';
    return {
      problem: `a cron expression has five fields, this one has ${trimmed === '' ? 0 : written.length}`,
      hint: `They are minute, hour, day of the month, month, day of the week: \`*/15 * * * *\`.${six}`,
      part: whole,
    };
  }
  const values: ReadonlySet<number>[] = [];
  for (const [i, rule] of fields.entries()) {
    const field = written[i] ?? '';
    const read = readCronField(field, rule);
    if (typeof read === 'string')
      return {
        problem: `the ${rule.name} (field ${i + 1}) ${read}`,
        hint: rangeHint(rule),
        part: [found[i]?.index ?? 0, (found[i]?.index ?? 0) + field.length],
      };
    values.push(read);
  }
  const days = values[2] ?? new Set();
  const inMonths = values[3] ?? new Set();
  const fires = written[4] !== '*' || [...inMonths].some((month) => [...days].some((day) => day <= (longestMonth[month - 1] ?? 31)));
  if (!fires)
    return {
      problem: 'there is no such day in these months, so it would never run',
      hint: 'Look at fields 3 (day of the month) and 4 (month).',
      part: whole,
    };
  return { cron: written.join(' ') };
}

function rangeHint(rule: CronFieldRule): string {
  const names = rule.names.length === 0 ? '' : `, or ${rule.names[0]} to ${rule.names.at(-1)}`;
  return `It is ${rule.min} to ${rule.max}${names}${rule.max === 7 ? ' (0 and 7 are Sunday)' : ''}; \`*\`, lists \`1,2\`, ranges \`1-5\` and steps \`*/2\` go too.`;
}
