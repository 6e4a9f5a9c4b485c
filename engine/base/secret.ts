import type { Json } from './json.ts';

const secrets = new Set<string>();

/** Remembers a value that must never be shown; `redact` replaces it from then on. Values under 3 characters are not remembered: hiding them would hide everything. */
export function keepSecret(value: string | undefined | null): void {
  if (value === undefined || value === null || value.length < 3) return;
  secrets.add(value);
  secrets.add(encodeURIComponent(value));
}

/** What the name of a setting or of a header has in it whose value lets somebody in. `requireToken: true` is none of them: it is no text. */
export const secretName =
  /pass(?:word|wd|phrase)?|secret|token|credential|salt|api[-_]?key|access[-_]?key|private[-_]?key|authorization|cookie/i;
/** In the name of a header, where no key is that of a table. */
const secretHeader = /auth|key|pwd|session|signature|jwt|dsn/i;
/** Nobody calls a thing so: a key that is sent in a header of another name (`x-honeycomb-team`). */
const looksSecret = /^(?=.*\d)(?=.*[a-z])\S{20,}$/i;
const shortestInHeader = 6;

/**
 * Remembers what lets one in by a header of a request: the value of one whose name sounds like it, or that looks like a key by itself; what follows a scheme (`Bearer x`) apart as well. Other values
 * (a tenant, a data set) are names of things, which may be those of a pipeline or a table: they are shown.
 */
export function keepHeader(name: string, value: string): void {
  const sounds = secretName.test(name) || secretHeader.test(name);
  for (const part of [value, ...value.split(' ').slice(1)])
    if (part.length >= shortestInHeader && (sounds || looksSecret.test(part))) keepSecret(part);
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
