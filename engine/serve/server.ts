import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import { Ajv } from 'ajv';
import fastify, { type FastifyInstance, type FastifyReply, LogController } from 'fastify';
import { showListen } from '../base/listen.ts';
import type { ListenAddress } from '../config.ts';
import { EngineError } from '../error.ts';
import { actionRoutes } from './actions.ts';
import { connectionRoutes } from './answering.ts';
import { compressAnswers } from './compressed.ts';
import { boundConnections } from './connections.ts';
import { answerErrors, errorBody } from './errors.ts';
import { guard, safeHeaders } from './guard.ts';
import { incidentRoutes } from './incidents.ts';
import { logRoutes } from './log.ts';
import { overviewRoutes } from './overview.ts';
import { pageRoutes } from './page.ts';
import type { ServerParts } from './parts.ts';
import { pipelineRoutes } from './pipelines.ts';
import { queueRoutes } from './queue.ts';
import { runApartRoutes } from './run-apart.ts';
import { runRoutes } from './runs.ts';
import { scheduleRoutes } from './schedule.ts';
import { schemas } from './schemas.ts';
import { searchRoutes } from './search.ts';
import { createDoorkeeper, sessionRoutes } from './session.ts';
import { settingsRoutes } from './settings.ts';
import { streamRoutes } from './streams.ts';
import { tableRoutes } from './tables.ts';

const bodyLimit = 65_536;
/** Of the head of a request, in bytes. */
const headLimit = 16_384;
const headMs = 5_000;
const requestMs = 20_000;
/** Nothing is sent and nothing taken; streams have a heartbeat. */
const silenceMs = 120_000;
const answerMs = 15_000;
const mostConnections = 512;

/** A server that listens. */
export interface ApiServer {
  /** Where it can be reached: `http://127.0.0.1:4460`. */
  readonly url: string;
  readonly address: ListenAddress;
  /** Cuts off those that are connected. */
  close(): Promise<void>;
}

/** Listens; an address that cannot be had is EngineError `serve.address`, trouble `outside`. */
export async function startServer(parts: ServerParts): Promise<ApiServer> {
  const app = await createApi(parts);
  const { listen, tls } = parts;
  try {
    await app.listen({ host: listen.host, port: listen.port });
  } catch (error) {
    await app.close();
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new EngineError(
      'outside',
      taken ? 'serve.address-taken' : 'serve.address',
      taken ? `${showListen(listen)} is taken` : `cannot listen at ${showListen(listen)}`,
      { cause: error, hint: 'Name another address with --listen or under daemon.listen in pipelines.yaml.' },
    );
  }
  const [bound] = app.addresses();
  const address = { host: listen.host, port: typeof bound === 'object' ? bound.port : listen.port };
  return { address, url: `${tls === undefined ? 'http' : 'https'}://${showListen(address)}`, close: () => app.close() };
}

/** The routes, without a place to listen. */
export async function createApi(parts: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    serverFactory: (handler) => createListener(parts, handler),
    forceCloseConnections: true,
    bodyLimit,
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: false },
    requestIdHeader: false,
    clientErrorHandler: answerNoRequest,
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    // What is no address at all comes past every hook.
    frameworkErrors: (error, _request, reply: FastifyReply) =>
      void reply.headers(safeHeaders).code(400).send(errorBody('request.invalid', error.message)),
  });
  const options = { useDefaults: true, removeAdditional: false, allErrors: false, allowUnionTypes: true } as const;
  const written = new Ajv({ ...options, coerceTypes: false });
  // What stands in an address is text. `Infinity` becomes a number; the bounds that each has are held against it only without strictNumbers.
  const addressed = new Ajv({ ...options, coerceTypes: 'array', strictNumbers: false });
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? written : addressed).compile(schema as object));
  // Schemas of answers are for who asks; the tests hold them.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  readJsonOnly(app);
  answerErrors(app, parts);
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug({ req: request, res: reply, took: Math.round(reply.elapsedTime) }, 'request');
  });
  await app.register(cookie);
  const doorkeeper = createDoorkeeper(parts);
  guard(app, parts, doorkeeper);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Pipeline engine', version: parts.engine, description: 'What the daemon knows, and what it can be asked to do.' },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' }, session: { type: 'apiKey', in: 'cookie', name: 'engine_session' } },
      },
      security: [{ token: [] }, { session: [] }, {}],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => (typeof json.$id === 'string' ? json.$id : `def-${i}`) },
  });
  for (const schema of schemas) app.addSchema(schema);
  await app.register(
    (api, _options, done) => {
      // Not for what is a stream, or takes its time: those say so themselves.
      api.addHook('onRoute', (route) => {
        route.handlerTimeout ??= answerMs;
      });
      compressAnswers(api);
      overviewRoutes(api, parts);
      pipelineRoutes(api, parts);
      runRoutes(api, parts);
      runApartRoutes(api, parts);
      logRoutes(api, parts);
      streamRoutes(api, parts, doorkeeper);
      tableRoutes(api, parts);
      queueRoutes(api, parts);
      connectionRoutes(api, parts);
      searchRoutes(api, parts);
      scheduleRoutes(api, parts);
      actionRoutes(api, parts);
      incidentRoutes(api, parts);
      settingsRoutes(api, parts);
      sessionRoutes(api, parts, doorkeeper);
      done();
    },
    { prefix: '/api/v1' },
  );
  for (const routes of parts.routes) {
    await app.register((more, _options, done) => {
      routes(more, parts);
      done();
    });
  }
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await pageRoutes(app, parts);
  await app.ready();
  return app;
}

function createListener({ tls, tell }: ServerParts, handler: RequestListener): Server {
  const options = {
    maxHeaderSize: headLimit,
    headersTimeout: headMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 30_000,
  };
  const server =
    tls === undefined
      ? createServer(options, handler)
      : (createTlsServer({ ...options, ...tls, handshakeTimeout: headMs }, handler) as Server);
  server.setTimeout(silenceMs);
  boundConnections(server, mostConnections);
  // A connection that the system could not hand over (a firewall, no memory for it) is that connection's end, not the daemon's. What keeps it from listening is thrown there.
  server.on('error', (error) => {
    if (server.listening) tell('warn', `a connection could not be taken: ${error.message}`);
  });
  return server;
}

/** What is no request of HTTP, has too long a head, or does not end in time. */
function answerNoRequest(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, words] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'the head of the request is too long']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'the request did not end in time']
        : [400, 'this is no request'];
  const body = JSON.stringify(errorBody('request.invalid', words));
  const head = {
    ...safeHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(body.length),
    connection: 'close',
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  socket.destroySoon();
}

/** JSON or nothing: a form of another page cannot send it. */
function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parse(request, body, done),
  );
}
