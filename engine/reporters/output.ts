/** The two ways out of the process. Reporters are the only writers of stdout and stderr. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
  /** Width of the terminal that stderr is; undefined: stderr is no terminal. */
  readonly columns: () => number | undefined;
  /** True when stdout is a terminal. */
  readonly outIsTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** This process's stdout and stderr. */
export function processOutput(env: Output['env'] = process.env): Output {
  return {
    out: (text) => void process.stdout.write(process.stdout.isTTY ? harmless(text) : text),
    error: (text) => void process.stderr.write(process.stderr.isTTY ? harmless(text) : text),
    columns: () => (process.stderr.isTTY && env.TERM !== 'dumb' ? (process.stderr.columns ?? 80) : undefined),
    outIsTerminal: process.stdout.isTTY === true,
    env,
  };
}

const esc = String.fromCharCode(27);
/** By which the lines of the nodes at work are drawn anew. */
const redraw = new RegExp(`^${esc}\\[\\d+A\\r${esc}\\[J$`);

/**
 * A text as a terminal may be given it. What names, rows and errors of databases hold must not move its cursor, set its title or answer for it: control characters but line breaks, tabs and
 * colours stand there as `\x1b`.
 */
export function harmless(text: string): string {
  if (redraw.test(text)) return text;
  return text.replaceAll('\r\n', '\n').replace(/\p{Cc}(?:\[[\d;]*m)?/gu, (found) => {
    const [control = ''] = found;
    if (control === '\n' || control === '\t' || (control === esc && found.length > 1)) return found;
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}${found.slice(1)}`;
  });
}

/** Calls back once, when stdout or stderr cannot be written to; what is written from then on is lost without a further error. */
export function whenUnwritable(tell: (error: NodeJS.ErrnoException) => void): void {
  let isTold = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (isTold) return;
      isTold = true;
      tell(error);
    });
}
