import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ConfigFinding } from '../api-settings.ts';
import type { Diagnostic } from '../config.ts';
import { EngineError } from '../error.ts';
import { loadConfig } from '../load/index.ts';
import { shownYaml } from '../load/shown.ts';
import type { SettingsParts } from '../serve/parts.ts';

const mostLines = 5_000;

/** A configuration file as it is now, its findings and its lines, both without secrets. One that cannot be read is said to be so. */
export async function readConfigView(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Omit<Awaited<ReturnType<SettingsParts['file']>>, 'inForce'>> {
  try {
    const { diagnostics } = await loadConfig({ file, env });
    const lines = shownYaml(readFileSync(file, 'utf8')).slice(0, mostLines);
    return { file, lines, findings: diagnostics.map((found) => findingOf(found, file, lines)), unreadable: undefined };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { file, lines: [], findings: [], unreadable: error.message };
  }
}

/** It points into its line as long as no more of it is hidden than the finding knew of. */
function findingOf(found: Diagnostic, file: string, lines: readonly string[]): ConfigFinding {
  const { severity, code, message, hint, line, column, length } = found;
  const isHere = found.file === file && lines[line - 1] === found.text;
  return {
    severity,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    file: basename(found.file),
    line,
    column: isHere ? column : undefined,
    length: isHere ? length : undefined,
  };
}
