import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Diagnostic } from '../config.ts';
import { EngineError } from '../error.ts';
import { createFindings } from './findings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of `.env` in that folder, under those of `env`, which win, and the findings of `.env`. No file: `env` alone. */
export function readEnvironment(
  folder: string,
  env: Environment,
): { readonly env: Environment; readonly diagnostics: readonly Diagnostic[] } {
  const file = join(folder, '.env');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'EISDIR') return { env, diagnostics: [] };
    throw new EngineError('outside', 'config.env-unreadable', `${file} cannot be read: ${code ?? String(error)}`, {
      cause: error,
      hint: 'Give yourself the right to read it, or remove it.',
    });
  }
  return { env: { ...parseEnv(text), ...env }, diagnostics: oddLines(file, text) };
}

/** Lines that set nothing, which `parseEnv` leaves out in silence. Their text is not shown: any of it may be a password. */
function oddLines(file: string, text: string): readonly Diagnostic[] {
  const findings = createFindings(file, text, new Map());
  for (let from = 0; from < text.length; ) {
    let to = endOfLine(text, from);
    const line = text.slice(from, to).trimEnd();
    const set = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=\s*/.exec(line);
    if (set !== null) {
      const quote = line[set[0].length];
      const begin = from + set[0].length;
      const close = quote !== undefined && `'"\``.includes(quote) ? text.indexOf(quote, begin + 1) : -1;
      // A value in quotes may go over several lines.
      if (close !== -1) to = endOfLine(text, close);
    } else if (!/^\s*(#|$)/.test(line))
      findings.at([from + line.search(/\S/), from + line.length], {
        code: 'config.env-line',
        message: 'this line of `.env` sets nothing',
        hint: 'Write `NAME=value` (or `export NAME=value`); a comment begins with `#`.',
      });
    from = to + 1;
  }
  return findings.list().map((finding) => ({ ...finding, text: `${' '.repeat(finding.column - 1)}***`, length: 3 }));
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
