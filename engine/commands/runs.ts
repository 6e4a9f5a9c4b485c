import type { Command } from '../command.ts';
import { EngineError } from '../error.ts';
import { durationText } from '../reporters/figures.ts';
import { columns } from '../reporters/run-view.ts';
import type { RunRecord } from '../run.ts';

/** `engine runs`: the runs, newest first. */
export const command: Command = {
  name: 'runs',
  summary: 'list runs, newest first',
  options: [
    { flags: '--pipeline <name>', summary: 'only of this pipeline' },
    { flags: '--limit <number>', summary: 'so many at most', default: '20' },
  ],
  examples: ['engine runs', 'engine runs --pipeline incremental_users --limit 5 --json'],
  async run(context, input) {
    const { pipeline } = input.options;
    const limit = Number(input.options.limit);
    if (!Number.isInteger(limit) || limit < 1)
      throw new EngineError('usage', 'command-line.limit', `--limit ${String(input.options.limit)} is no whole number above 0`);
    const store = await context.peekStore();
    const runs = (await store?.runs({ ...(typeof pipeline === 'string' ? { pipeline } : {}), limit })) ?? [];
    context.reporter.data({ runs }, () => (runs.length === 0 ? 'no runs yet' : columns(runs.map(runLine)).join('\n')));
    return 0;
  },
};

/** Id, pipeline, state, start, duration, what it goes on from. */
export function runLine(run: RunRecord): readonly string[] {
  return [
    run.runId,
    run.pipeline,
    run.state,
    `${run.startedAt.slice(0, 19).replace('T', ' ')} UTC`,
    run.endedAt === undefined ? '' : durationText(Date.parse(run.endedAt) - Date.parse(run.startedAt)),
    run.retryOf === undefined ? '' : `retry of ${run.retryOf}`,
  ];
}
