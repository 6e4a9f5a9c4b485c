import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hostName, isLoopbackName } from './caller.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';
import type { Doorkeeper } from './session.ts';

/** Told to the browser with every answer: nothing but what this server sends is run, shown or asked, and nobody shows it in a frame. */
export const safeHeaders: Readonly<Record<string, string>> = {
  // The page and its parts say otherwise.
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
};
const yearS = 31_536_000;

/** Looks at each request before its body is read: by which name it came, from which page, and who asks. */
export function guard(app: FastifyInstance, parts: ServerParts, doorkeeper: Doorkeeper): void {
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(safeHeaders);
    // By name, so it would hold for every other server on this machine as well.
    if (parts.tls !== undefined && !isLoopbackName(hostName(request.headers.host) ?? ''))
      reply.header('strict-transport-security', `max-age=${yearS}`);
    checkHost(parts, request);
    checkOrigin(request);
    if (request.is404 || request.routeOptions.config.open === true) return;
    request.caller = await doorkeeper.caller(request);
    if (request.caller !== undefined) return;
    reply.header('www-authenticate', 'Bearer');
    throw new Refusal(
      401,
      'token.needed',
      'a token is needed here',
      'Make one with engine token create NAME on the machine of the daemon, and log in with it.',
    );
  });
}

/** A page of somebody else whose name was made to lead here (DNS rebinding) comes under that name. */
function checkHost({ listen, hosts }: ServerParts, request: FastifyRequest): void {
  const name = hostName(request.headers.host);
  const address = (request.socket.localAddress ?? '').replace(/^::ffff:/i, '').toLowerCase();
  if (name !== undefined) {
    const plain = name.replace(/^\[(.*)\]$/, '$1');
    if (isLoopbackName(name) || plain === listen.host.toLowerCase() || plain === address) return;
    if (hosts.some((host) => host.toLowerCase() === name)) return;
  }
  throw new Refusal(
    421,
    'host.unknown',
    `this server does not answer as ${name ?? 'nobody'}`,
    'Name it under daemon.hosts in pipelines.yaml.',
  );
}

/** Browsers say which page asks. Only this server's own may, and programs, which say nothing. */
function checkOrigin({ headers: { origin, host, ...rest }, method, routeOptions }: FastifyRequest): void {
  const refusal = new Refusal(403, 'origin.foreign', 'a page of another server asks, which may not', 'Open the page that this server has.');
  if (origin !== undefined) {
    if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) throw refusal;
    const { protocol, host: from } = new URL(origin);
    const own = `${protocol}//${host}`;
    if (!URL.canParse(own) || new URL(own).host !== from) throw refusal;
  }
  const site = rest['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  const reads = method === 'GET' || method === 'HEAD';
  // By the route: its address can be written in many ways.
  if (!reads || (routeOptions.url?.startsWith('/api/') === true && !(isOpenedByLink(rest) && routeOptions.config.works !== true)))
    throw refusal;
}

/** A link that leads here, from a chat or a mail, is opened as a whole page: in no frame, and not before somebody follows it. */
function isOpenedByLink(headers: FastifyRequest['headers']): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document' && headers['sec-purpose'] === undefined;
}
