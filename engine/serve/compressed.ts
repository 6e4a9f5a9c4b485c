import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

const compress = promisify(gzip);
/** Less is sent as it is: one packet more or less. */
const leastBytes = 8_192;

/** Sends long texts of the routes registered here compressed to whoever takes gzip. Streams write past it: what they say must not wait for more. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook<unknown>('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' || payload.length < leastBytes || reply.hasHeader('content-encoding')) return payload;
    reply.header('vary', 'accept-encoding');
    if (!takesGzip(request.headers['accept-encoding'])) return payload;
    const sent = await compress(payload, { level: constants.Z_BEST_SPEED });
    reply.header('content-encoding', 'gzip').header('content-length', sent.byteLength);
    return sent;
  });
}

/** By `Accept-Encoding`: named, and not with a weight of 0. */
export function takesGzip(accepted: string | readonly string[] | undefined): boolean {
  const all = typeof accepted === 'string' ? accepted : (accepted ?? []).join(',');
  return all.split(',').some((each) => {
    const [name = '', ...weights] = each.split(';').map((part) => part.trim().toLowerCase());
    return (name === 'gzip' || name === 'x-gzip') && !weights.some((weight) => /^q=0(\.0*)?$/.test(weight));
  });
}
