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
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    columns: () => (process.stderr.isTTY && env.TERM !== 'dumb' ? (process.stderr.columns ?? 80) : undefined),
    outIsTerminal: process.stdout.isTTY === true,
    env,
  };
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
