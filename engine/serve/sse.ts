import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from './errors.ts';

/** Somebody who listens. */
export interface Listener {
  /** Writes one event; false when so much waits to be taken that it should not be written more just now. */
  send(event: { readonly id: string; readonly name?: string; readonly data: string }): boolean;
  /** Resolves once what was written has been taken, or the listener is gone; one that takes too long is cut off. */
  drained(): Promise<void>;
  /** The other end does not take what it gets: it is cut off, and may come back by the last id. */
  drop(): void;
  /** A whole end, after what was written: nothing may be sent after it. One that takes too long to take that is cut off. */
  end(): void;
  readonly gone: AbortSignal;
}

/** Nothing more is written while so much waits for one listener, in bytes. */
const enoughWaiting = 256_000;
const heartbeatMs = 15_000;

/** Everybody who listens to a stream of server-sent events. */
export interface Listeners {
  /** Begins a stream; 429 when too many listen already. */
  open(request: FastifyRequest, reply: FastifyReply): Listener;
  closeAll(): void;
  readonly count: number;
}

/** At most so many at a time; who takes nothing of what waits for `patienceMs` is cut off. */
export function createListeners(most: number, patienceMs = 30_000): Listeners {
  const all = new Set<Listener>();
  return {
    get count() {
      return all.size;
    },
    closeAll() {
      for (const listener of [...all]) listener.end();
    },
    open(request, reply) {
      if (all.size >= most)
        throw new Refusal(429, 'stream.full', `${all.size} listen already`, 'Close a page that is not looked at, or ask again later.');
      const { raw } = reply;
      reply.hijack();
      const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
      // Proxies must not keep it back.
      raw.writeHead(200, { ...Object.fromEntries(headers), 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
      raw.flushHeaders();
      const gone = new AbortController();
      const heartbeat = setInterval(() => {
        if (raw.writableLength < enoughWaiting) raw.write(':\n\n');
      }, heartbeatMs);
      let endedLate: NodeJS.Timeout | undefined;
      const listener: Listener = {
        gone: gone.signal,
        send({ id, name, data }) {
          if (gone.signal.aborted) return false;
          const event = name === undefined ? '' : `event: ${name}\n`;
          // Data is JSON, which has no line break of its own.
          raw.write(`id: ${id}\n${event}data: ${data}\n\n`);
          return raw.writableLength < enoughWaiting;
        },
        drained: () =>
          new Promise((resolve) => {
            if (gone.signal.aborted || !raw.writableNeedDrain) return resolve();
            const over = (): void => {
              clearTimeout(late);
              raw.off('drain', over);
              gone.signal.removeEventListener('abort', over);
              resolve();
            };
            const late = setTimeout(() => listener.drop(), patienceMs);
            raw.once('drain', over);
            gone.signal.addEventListener('abort', over, { once: true });
          }),
        drop: () => void raw.destroy(),
        end() {
          if (raw.writableEnded) return;
          clearInterval(heartbeat);
          raw.end();
          endedLate = setTimeout(() => listener.drop(), patienceMs);
        },
      };
      const left = (): void => {
        clearInterval(heartbeat);
        clearTimeout(endedLate);
        all.delete(listener);
        gone.abort();
      };
      raw.once('close', left);
      raw.on('error', () => raw.destroy());
      all.add(listener);
      if (request.raw.destroyed) left();
      return listener;
    },
  };
}

/** What a browser had last when it lost the stream. */
export function lastEventId(request: FastifyRequest): string | undefined {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : undefined;
}
