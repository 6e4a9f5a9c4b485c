import type { Json } from './json.ts';

const secrets = new Set<string>();

/** Remembers a value that must never be shown; `redact` replaces it from then on. Values under 3 characters are not remembered: hiding them would hide everything. */
export function keepSecret(value: string | undefined | null): void {
  if (value === undefined || value === null || value.length < 3) return;
  secrets.add(value);
  secrets.add(encodeURIComponent(value));
}

/** The text with every remembered secret, and every password inside a URL, replaced by `***`. Called wherever text leaves the process: events, errors, logs, plans. */
export function redact(text: string): string {
  let shown = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) shown = shown.replaceAll(secret, '***');
  // After the secrets: a password with an `@` in it would be cut in two here. Looked at from one `@` to the next, for texts may be long.
  return shown.replace(/(?<![^\s@])[^\s@]+@/g, (run) => {
    const begin = /[a-z0-9+.-]:\/\/[^:/]*:(?=[^@])/i.exec(run);
    return begin === null ? run : `${run.slice(0, begin.index + begin[0].length)}***@`;
  });
}

/** The same data, as JSON has it, with every text in it redacted: one by one, so that what hides a password never reaches beyond its own text. What JSON cannot hold is left out. */
export function redactAll(value: unknown): Json | undefined {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((v) => redactAll(v) ?? null);
  if (typeof value === 'object' && value !== null) {
    if ('toJSON' in value && typeof value.toJSON === 'function') return redactAll(value.toJSON());
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, v]) => {
        const shown = redactAll(v);
        return shown === undefined ? [] : [[key, shown]];
      }),
    );
  }
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : undefined;
}
