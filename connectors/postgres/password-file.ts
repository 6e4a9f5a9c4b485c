import { readFileSync, statSync } from 'node:fs';

/** What a line of the file must fit. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The fields of a line; `:` and `\` inside one are escaped with a backslash. */
function fields(line: string): readonly string[] {
  return line.split(/(?<!(?:^|[^\\])(?:\\\\)*\\):/).map((field) => field.replaceAll(/\\([\\:])/g, '$1'));
}

/**
 * The password for a login from a password file (Postgres docs, 34.16): the first line `host:port:database:user:password` that fits, `*` fits all, a socket
 * counts as `localhost`. Undefined when there is none. A file that others can read is not used, as libpq has it, and `warn` hears of it.
 */
export function passwordFromFile(file: string, login: Login, warn: (text: string) => void): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) return undefined;
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    warn(`password file ${file} can be read by others, so it is not used: chmod 0600 ${file}`);
    return undefined;
  }
  const host = login.host.startsWith('/') ? 'localhost' : login.host;
  const wanted = [host, String(login.port), login.database, login.user];
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const [...parts] = fields(line);
    // The password is the rest of the line; libpq unescapes it too.
    if (parts.length >= 5 && wanted.every((value, i) => parts[i] === '*' || parts[i] === value)) return parts[4];
  }
  return undefined;
}
