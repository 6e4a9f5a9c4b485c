/** The reason in a driver's text, and how far it can be told from. */
export interface Reason {
  /** Without what DuckDB puts before it: its own words, and the whole statement, which may say anything. */
  readonly words: string;
  /**
   * Who says so. `statement`: the server, of a statement; it may quote values of rows, so only the beginning of its words tells what it is. `session`: the server, of the session or of who asks for one; no row is in it.
   * `driver`: libpq, DuckDB or Node.
   */
  readonly by: 'statement' | 'session' | 'driver';
  /** DuckDB passes it on from libpq. */
  readonly passedOn: boolean;
}

/** libpq puts it before what a server says, in the server's language. */
const severity = /^([^\s:"]+(?: \([A-Z]+\))?): {2}/;
const severityBehindStatement = /"(?: \(no result returned\))?: (?=[^\s:"]+(?: \([A-Z]+\))?: {2})/;
const passingOn = /^(?:(?:\w+ )*Error: )?(?:Failed to (?:prepare|execute|describe|fetch)\b|Unable to read binary COPY data from Postgres)/;

/** The reason in an error's text, of whichever driver. What decides is never a value: those stand behind the first severity. */
export function reasonOf(text: string): Reason {
  if (/^IO Error: Unable to connect to Postgres at "/.test(text)) return { words: text, by: 'session', passedOn: true };
  const head = passingOn.exec(text)?.[0];
  if (head === undefined) return said(text, false);
  const rest = text.slice(head.length);
  const plain = /^[^":]*: /.exec(rest)?.[0];
  if (plain !== undefined) return said(rest.slice(plain.length), true);
  const behind = severityBehindStatement.exec(rest);
  if (behind !== null) return said(rest.slice(behind.index + behind[0].length), true);
  const last = rest.lastIndexOf('": ');
  return last < 0 ? { words: text, by: 'driver', passedOn: true } : said(rest.slice(last + 3), true);
}

function said(text: string, passedOn: boolean): Reason {
  const level = severity.exec(text);
  const words = level === null ? text : text.slice(level[0].length);
  // Only such an error ends a session, and no statement can raise one.
  const by = level === null ? 'driver' : /^(?:FATAL|PANIC)$/.test(level[1] ?? '') ? 'session' : 'statement';
  return { words: words.trim(), by, passedOn };
}
