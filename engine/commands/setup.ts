import type { Command } from '../command.ts';

export const command: Command = {
  name: 'setup',
  summary: 'fetch ahead what is otherwise fetched on first use',
  description:
    "Makes dbt's environment and fetches DuckDB's postgres extension, so that later commands need no package index. What is there already is left as it is. Works without a project too.",
  examples: [
    'engine setup          # about a minute the first time, nothing to do the second',
    'engine setup --json   # where everything is, for programs',
  ],
  async run(context) {
    const ready = await context.prepare();
    context.reporter.data(
      { format_version: 1, prepared: ready },
      () => {
        const width = Math.max(0, ...ready.map(({ what }) => what.length));
        return ready.map(({ what, path }) => `${what.padEnd(width)}  ${path}`).join('\n');
      },
      'done',
    );
    return 0;
  },
};
