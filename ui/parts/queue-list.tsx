import type { QueueEntry } from '../../engine/queue.ts';
import { countText } from '../figures.ts';
import { pipelinePath } from '../routes.ts';
import { dequeueAct } from '../run-acts.tsx';
import { Acts } from './act.tsx';
import { Section } from './messages.tsx';
import { Prose } from './prose.tsx';
import { State } from './state-mark.tsx';
import { Since, Time } from './time.tsx';

/** Runs that are to be, and what each waits for. */
export function QueueList({ queue }: { readonly queue: readonly QueueEntry[] }) {
  if (queue.length === 0) return null;
  return (
    <Section title="queue" note={`${countText(queue.length)} waiting`}>
      <ul class="queue">
        {queue.map((entry) => (
          <li key={entry.id} data-row>
            <State state="queued" />
            <a class="name" href={pipelinePath(entry.pipeline)}>
              {entry.pipeline}
            </a>
            <span>
              {entry.kind === 'fire' && entry.scheduledAt !== undefined ? (
                <>
                  its time <Time at={entry.scheduledAt} show="clock" />
                </>
              ) : entry.kind === 'resume' ? (
                'goes on with a run'
              ) : (
                `asked for by ${entry.askedBy}`
              )}
            </span>
            <span class="quiet">
              for <Since at={entry.notedAt} />: <Prose text={entry.reason ?? 'its turn comes within a second'} />
            </span>
            <Acts acts={[dequeueAct(entry)]} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
