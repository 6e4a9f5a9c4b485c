/** When a proxy strikes: at the `nth` message (from 1) whose text matches, and at `times` in all from there. */
export interface Rule<Act extends string> {
  readonly match: RegExp;
  readonly act: Act;
  /** Default 1. */
  readonly nth?: number;
  /** Default 1. */
  readonly times?: number;
  /** How long a delay lasts, or how long nobody is there. Default 500. */
  readonly forMs?: number;
}

/** The rules of one proxy, and what they did. */
export interface Rules<Act extends string> {
  /** From now on these rules, and no others; forgets what struck. */
  set(rules: readonly Rule<Act>[]): void;
  /** The rule that strikes at this message; undefined: let it pass. */
  at(message: string): Rule<Act> | undefined;
  /** Each strike as `act: message`, the message cut short: a test whose fault never struck proves nothing. */
  readonly strikes: readonly string[];
}

const defaultForMs = 500;

/** How long a rule's act lasts. */
export function lasts(rule: { readonly forMs?: number }): number {
  return rule.forMs ?? defaultForMs;
}

/** Rules that let everything pass until they are set. */
export function createRules<Act extends string>(): Rules<Act> {
  let current: { readonly rule: Rule<Act>; seen: number }[] = [];
  const strikes: string[] = [];
  return {
    strikes,
    set(rules) {
      current = rules.map((rule) => ({ rule, seen: 0 }));
      strikes.length = 0;
    },
    at(message) {
      let found: Rule<Act> | undefined;
      for (const entry of current) {
        if (!entry.rule.match.test(message)) continue;
        entry.seen += 1;
        const first = entry.rule.nth ?? 1;
        if (found === undefined && entry.seen >= first && entry.seen < first + (entry.rule.times ?? 1)) found = entry.rule;
      }
      if (found !== undefined) strikes.push(`${found.act}: ${message.replaceAll(/\s+/g, ' ').slice(0, 120)}`);
      return found;
    },
  };
}
