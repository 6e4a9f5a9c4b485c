import type { Event } from '../event.ts';
import { endsRun, lightEvent } from '../run.ts';
import type { ServerParts } from './parts.ts';
import { createPoller } from './poller.ts';
import type { Listener } from './sse.ts';

const askEveryMs = 500;
const eventsAtOnce = 200;

/** Gives the events of runs to those who listen, each once and in order; one question to the store for all who listen to a run. */
export interface RunFeeds {
  /** From `afterSeq` to the end of the run, or until the listener is gone. */
  follow(runId: string, afterSeq: number, listener: Listener): Promise<void>;
}

interface Follower {
  readonly listener: Listener;
  seq: number;
  /** It was given the end of the run. */
  over: boolean;
}

interface Feed {
  /** Everybody in `live` has been given all up to here. */
  seq: number;
  readonly live: Set<Follower>;
  join(): () => void;
}

/** Feeds are made when somebody listens, and go with the last one. */
export function createRunFeeds({ history, clock }: Pick<ServerParts, 'history' | 'clock'>): RunFeeds {
  const feeds = new Map<string, Feed>();
  const page = (runId: string, afterSeq: number): Promise<readonly Event[]> => history.events({ runId, afterSeq, limit: eventsAtOnce });

  const feedOf = (runId: string): Feed => {
    const known = feeds.get(runId);
    if (known !== undefined) return known;
    const poller = createPoller(clock, askEveryMs, async () => {
      if (feed.live.size === 0) return true;
      for (;;) {
        const events = await page(runId, feed.seq);
        for (const event of events) {
          feed.seq = event.seq;
          for (const follower of feed.live) {
            if (give(follower, event)) continue;
            // Too much waits for this one: it reads the rest at its own pace.
            feed.live.delete(follower);
            void catchUp(runId, feed, follower).catch(() => follower.listener.drop());
          }
        }
        if (events.length < eventsAtOnce) return true;
      }
    });
    const feed: Feed = { seq: -1, live: new Set(), join: poller.join };
    feeds.set(runId, feed);
    return feed;
  };

  /** What was before is read by each at its own pace; then all go on together. */
  const catchUp = async (runId: string, feed: Feed, follower: Follower): Promise<void> => {
    const { listener } = follower;
    for (;;) {
      await listener.drained();
      if (listener.gone.aborted) return;
      const events = await page(runId, follower.seq);
      for (const event of events) {
        if (!give(follower, event)) await listener.drained();
        if (listener.gone.aborted || follower.over) return;
      }
      // A question to the store may be under way that begins after `feed.seq`: who is not there yet would miss what is before it.
      if (events.length === eventsAtOnce || follower.seq < feed.seq) continue;
      if (feed.live.size === 0) feed.seq = follower.seq;
      feed.live.add(follower);
      return;
    }
  };

  return {
    async follow(runId, afterSeq, listener) {
      // It will not say again that it is gone, and nobody would stop asking for it.
      if (listener.gone.aborted) return;
      const feed = feedOf(runId);
      const follower: Follower = { listener, seq: afterSeq, over: false };
      const leave = feed.join();
      listener.gone.addEventListener('abort', () => {
        feed.live.delete(follower);
        leave();
        if (feed.live.size === 0 && feeds.get(runId) === feed) feeds.delete(runId);
      });
      await catchUp(runId, feed, follower);
    },
  };
}

/** False when the listener should be waited for. The end of a run ends its stream: nothing is sent of what is told after it (a warning of an exporter, say). */
function give(follower: Follower, event: Event): boolean {
  if (follower.over || event.seq <= follower.seq) return true;
  follower.seq = event.seq;
  const light = lightEvent(event);
  if (light === undefined) return true;
  const taken = follower.listener.send({ id: String(event.seq), data: JSON.stringify(light) });
  if (!endsRun(event)) return taken;
  follower.over = true;
  follower.listener.end();
  return true;
}
