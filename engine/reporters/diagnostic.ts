import { isAbsolute, relative } from 'node:path';
import { styleText } from 'node:util';
import { redact } from '../base/secret.ts';
import type { Diagnostic } from '../config.ts';

export interface DiagnosticStyle {
  /** Files are shown relative to this folder when they lie below it; default: the working directory. */
  readonly cwd?: string;
  /** Default: false. */
  readonly colour?: boolean;
}

/**
 * Findings as text for a person: `file:line:column: message`, the line with `~~~` under the place, the hint, and a count at the end.
 * Empty for none. No secret leaves: the text goes through `redact`.
 */
export function renderDiagnostics(found: readonly Diagnostic[], style: DiagnosticStyle = {}): string {
  if (found.length === 0) return '';
  const paint = (format: Parameters<typeof styleText>[0], text: string): string => (style.colour === true ? styleText(format, text) : text);
  const blocks = found.map((d) => {
    const number = String(d.line);
    const margin = ' '.repeat(number.length);
    const head = `${paint('bold', `${shownFile(d.file, style.cwd)}:${d.line}:${d.column}:`)} ${paint(d.severity === 'error' ? 'red' : 'yellow', d.severity)}: ${d.message} ${paint('dim', `[${d.code}]`)}`;
    const lines = [head];
    if (d.text.trim() !== '') {
      const pad = d.text.slice(0, d.column - 1).replace(/[^\t]/g, ' ');
      lines.push(`  ${paint('dim', `${number} |`)} ${d.text}`);
      lines.push(
        `  ${paint('dim', `${margin} |`)} ${pad}${paint(d.severity === 'error' ? 'red' : 'yellow', '~'.repeat(Math.max(1, d.length)))}`,
      );
    }
    if (d.hint !== undefined) lines.push(`  ${margin} ${paint('cyan', '=')} ${d.hint}`);
    return lines.join('\n');
  });
  return redact(`${blocks.join('\n\n')}\n\n${countFindings(found)}\n`);
}

/** Findings as plain data for `--json`, files relative as in the text, secrets redacted. */
export function diagnosticsData(found: readonly Diagnostic[], style: Pick<DiagnosticStyle, 'cwd'> = {}): readonly Diagnostic[] {
  return found.map((d) => ({
    ...d,
    file: shownFile(d.file, style.cwd),
    message: redact(d.message),
    text: redact(d.text),
    ...(d.hint === undefined ? {} : { hint: redact(d.hint) }),
  }));
}

/** `1 finding`, `3 findings`. */
export function countFindings(found: readonly Diagnostic[]): string {
  return `${found.length} finding${found.length === 1 ? '' : 's'}`;
}

function shownFile(file: string, cwd = process.cwd()): string {
  if (!isAbsolute(file)) return file;
  const shown = relative(cwd, file);
  return shown === '' || shown.startsWith('..') ? file : shown;
}
