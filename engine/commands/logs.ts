import type { Command } from '../command.ts';
import type { Event } from '../event.ts';
import { painter } from '../reporters/color.ts';
import { eventLines } from '../reporters/event-view.ts';
import { exportInterrupted } from './export-interrupted.ts';
import { knownRun, storeWithRuns } from './known-run.ts';

const askEveryMs = 500;

/** `engine logs RUN`: all that happened in a run. */
export const command: Command = {
  name: 'logs',
  summary: 'show the log of a run',
  arguments: [{ name: 'run', summary: 'id of the run, see engine runs', required: true }],
  options: [
    { flags: '--node <id>', summary: 'only of this node, such as "load users"' },
    { flags: '--follow', summary: 'go on until the run ends' },
  ],
  examples: ['engine logs 01J5ZC3W9GZ5T8W8Q4V0Y9K6XN', 'engine logs 01J5ZC3W9GZ5T8W8Q4V0Y9K6XN --node "load users"'],
  async run(context, input) {
    const store = await storeWithRuns(context);
    const { runId } = await knownRun(store, input);
    const { node } = input.options;
    const wanted = (event: Event): boolean => node === undefined || ('node' in event && event.node === node);
    let seq = 0;
    for (;;) {
      const state = (await store.run(runId))?.state;
      const events = await store.events(runId, seq);
      seq = events.at(-1)?.seq ?? seq;
      const shown = events.filter(wanted);
      if (shown.length > 0 || input.options.follow !== true)
        context.reporter.data({ events: shown }, () => shown.flatMap(timedLines).join('\n'));
      if (input.options.follow !== true || state !== 'running') return 0;
      await context.clock.sleep(askEveryMs, context.signal);
      await exportInterrupted(context, store, await store.sweep(), context.reporter.note);
    }
  },
};

/** Each line with the time of day, UTC. */
function timedLines(event: Event): readonly string[] {
  return eventLines(event, painter(false, {})).map((line) => `${event.at.slice(11, 23)} ${line}`);
}
