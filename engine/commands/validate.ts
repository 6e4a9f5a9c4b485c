import { relative } from 'node:path';
import type { Command } from '../command.ts';
import { diagnosticsData, renderDiagnostics } from '../reporters/diagnostic.ts';

/** `engine validate`: exit 0 without findings, 2 with; `--json` is `{format_version, ok, findings}`. */
export const command: Command = {
  name: 'validate',
  summary: 'check pipelines.yaml and show every finding',
  description:
    'Reads the file, the environment and `.env` beside it. Each finding has its place, the line, and what to write instead. Nothing is connected to.',
  examples: ['engine validate', 'engine validate --config shop/pipelines.yaml --json'],
  async run(context) {
    const { config, diagnostics, file } = await context.loaded();
    const ok = config !== undefined && diagnostics.length === 0;
    const shown = relative(context.cwd, file).startsWith('..') ? file : relative(context.cwd, file);
    context.reporter.data(
      { format_version: 1, ok, file: shown, findings: diagnosticsData(diagnostics, { cwd: context.cwd }) },
      () => {
        if (!ok || config === undefined) return renderDiagnostics(diagnostics, { cwd: context.cwd });
        const tables = plural(Object.keys(config.tables).length, 'table');
        return `${shown}: ${tables}, ${plural(Object.keys(config.pipelines).length, 'pipeline')}, no findings`;
      },
      ok ? 'done' : undefined,
    );
    return ok ? 0 : 2;
  },
};

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
