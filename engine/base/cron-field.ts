/** What one field of a cron expression may hold. */
export interface CronFieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The first one stands for `min`. */
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The five fields of crontab(5), in their order. */
export const cronFields = {
  minute: { name: 'minute', min: 0, max: 59, names: [] },
  hour: { name: 'hour', min: 0, max: 23, names: [] },
  day: { name: 'day of the month', min: 1, max: 31, names: [] },
  month: { name: 'month', min: 1, max: 12, names: months },
  weekday: { name: 'day of the week', min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
} as const satisfies Readonly<Record<string, CronFieldRule>>;

/** The values of one field, each once; text: what is wrong, as the end of a sentence. Sunday may be 0 or 7, as it is written. */
export function readCronField(text: string, rule: CronFieldRule): ReadonlySet<number> | string {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const parts = /^(?:(\*)|([^-/*]+)(?:-([^-/*]+))?)(?:\/(.+))?$/.exec(item);
    if (parts === null) return item === '' ? 'has a comma too many' : `cannot be \`${item}\``;
    const [, all, first, last, step] = parts;
    const from = all === undefined ? readNumber(first ?? '', rule) : rule.min;
    const to = all === undefined ? (last === undefined ? from : readNumber(last, rule)) : rule.max;
    if (typeof from === 'string') return from;
    if (typeof to === 'string') return to;
    if (from > to) return `has a range that ends before it begins: \`${item}\``;
    if (step !== undefined && all === undefined && last === undefined)
      return `has a step behind a single value: \`${item}\`; a step goes with \`*\` or a range`;
    const every = step === undefined ? 1 : /^\d{1,3}$/.test(step) ? Number(step) : 0;
    if (every < 1 || every > rule.max) return `has a step that cannot be: \`/${step}\``;
    for (let value = from; value <= to; value += every) values.add(value);
  }
  return values;
}

function readNumber(text: string, rule: CronFieldRule): number | string {
  const named = rule.names.indexOf(text.toLowerCase());
  if (named !== -1) return named + rule.min;
  if (!/^\d{1,3}$/.test(text)) return `cannot be \`${text}\``;
  const value = Number(text);
  return value < rule.min || value > rule.max ? `cannot be ${value}` : value;
}
