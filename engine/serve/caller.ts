import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Headers by which a proxy says for whom it asks. */
const forwarding = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'x-client-ip',
  'via',
] as const;

/** True for an address of this machine's loopback. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** True for the names and addresses of this machine's loopback, as they stand in a URL. */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || isLoopback(host.replace(/^\[(.*)\]$/, '$1'));
}

/** The host of a `Host` header without its port, in lower case; undefined for what is none. */
export function hostName(header: string | undefined): string | undefined {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec((header ?? '').toLowerCase());
  return parts?.[1]?.replace(/\.$/, '');
}

/**
 * Somebody on this machine who asked it by a name of its own; not a proxy that says that it asks for somebody else, or that shows it by HTTP/1.0: nginx says nothing else unless
 * it is told to, and browsers and programs have not asked by it for decades.
 */
export function isLocal(request: FastifyRequest): boolean {
  const { remoteAddress } = request.socket;
  if (request.raw.httpVersionMajor === 1 && request.raw.httpVersionMinor === 0) return false;
  const host = hostName(request.headers.host);
  if (remoteAddress === undefined || !isLoopback(remoteAddress) || host === undefined || !isLoopbackName(host)) return false;
  return forwarding.every((name) => request.headers[name] === undefined);
}

/** Where a request came from, for people; what a proxy says cannot be checked, and is marked as its word. */
export function callerAddress(request: FastifyRequest): string {
  const address = request.socket.remoteAddress ?? 'unknown';
  const said = request.headers['x-forwarded-for'];
  const plain = address.replace(/^::ffff:/i, '');
  return said === undefined
    ? plain
    : `${plain}, for ${String(said)
        .replace(/[^0-9A-Za-z.:, _-]/g, '')
        .slice(0, 100)}`;
}
