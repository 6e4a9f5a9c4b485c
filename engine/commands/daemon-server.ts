import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Lake } from '../../lake/lake.ts';
import { openRinging } from '../alarms/index.ts';
import { showListen } from '../base/listen.ts';
import { packageFile } from '../base/package-root.ts';
import type { CommandContext } from '../command.ts';
import type { Config, DaemonConfig, ListenAddress } from '../config.ts';
import type { Connection } from '../connector.ts';
import { EngineError, errorData } from '../error.ts';
import { lakeSettings, settingsOf } from '../execute/connections.ts';
import { tracesWanted } from '../exporters/index.ts';
import { readProblemFacts } from '../schedule/problem-facts.ts';
import { problemsOf } from '../schedule/problems.ts';
import type { Tell } from '../schedule/tell.ts';
import { isLoopbackName } from '../serve/caller.ts';
import type { Log } from '../serve/logger.ts';
import type { Routes, ServerParts } from '../serve/parts.ts';
import { type ApiServer, startServer } from '../serve/server.ts';
import type { LeaseHolder } from '../store.ts';
import { senderOf } from './alert-sender.ts';
import { sendTest } from './alert-test.ts';
import type { ConfigInForce } from './config-in-force.ts';
import { readConfigView } from './config-view.ts';
import { doctorApart } from './doctor-apart.ts';
import { planApart } from './plan-apart.ts';

/** What the daemon command gives. */
export interface DaemonServerParts {
  readonly context: CommandContext;
  readonly config: Config;
  readonly inForce: ConfigInForce;
  readonly self: LeaseHolder;
  /** Given on the command line: an address that cannot be had ends the daemon. */
  readonly insisted: ListenAddress | undefined;
  readonly routes: readonly Routes[];
  readonly log: Log;
  readonly tell: Tell;
}

const tryAgainMs = 3_000;

/**
 * The daemon's page and API, from now until the returned function is called. Where another daemon has the address it is asked for again and again, so that the page is
 * there again when that one is gone. Refuses (`serve.no-token`, trouble `usage`) an address that others reach while there is no token.
 */
export async function startDaemonServer(given: DaemonServerParts): Promise<() => Promise<void>> {
  const { context, config, insisted, tell } = given;
  const listen = insisted ?? config.daemon.listen;
  if (listen === undefined) return async () => undefined;
  const parts = await serverParts(given, listen);
  await refuseUnguarded(parts);
  const over = new AbortController();
  let server: ApiServer | undefined;
  const listenNow = async (): Promise<boolean> => {
    try {
      server = await startServer(parts);
    } catch (error) {
      if (insisted !== undefined || !(error instanceof EngineError) || error.code !== 'serve.address-taken') throw error;
      return false;
    }
    tell('info', `the page and the API are at ${server.url}`, { url: server.url });
    return true;
  };
  const listenLater = async (): Promise<void> => {
    for (;;) {
      await context.clock.sleep(tryAgainMs, over.signal);
      if ((await isFree(listen)) && (await listenNow())) return;
    }
  };
  let later: Promise<void> | undefined;
  if (!(await listenNow())) {
    tell(
      'warn',
      `no page and no API here: ${showListen(listen)} is taken, by another daemon perhaps. It is asked for every ${tryAgainMs / 1000} s`,
    );
    later = listenLater().catch((error: unknown) => {
      if (!over.signal.aborted) tell('error', `no page and no API here: ${errorData(error).message}`);
    });
  }
  return async () => {
    over.abort();
    await later;
    await server?.close();
  };
}

/** Whether nobody has it. Asked for every few seconds: a server of ours that finds out costs fifty milliseconds to put together. */
function isFree({ host, port }: ListenAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // What else may be wrong with it, the server says.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

async function serverParts(
  { context, config, inForce, self, routes, log, tell }: DaemonServerParts,
  listen: ListenAddress,
): Promise<ServerParts> {
  const store = await context.storeApart();
  const { queue, history, access } = store;
  if (queue === undefined || history === undefined || access === undefined) throw new Error('the state store of a daemon outlives it');
  return {
    store,
    queue,
    history,
    access,
    clock: context.clock,
    engine: context.engine,
    self: { ...self, since: new Date(context.clock.now()).toISOString() },
    config: inForce.current,
    configText: () => textInForce(config.file, inForce),
    plan: (wish, signal) => planApart(context, config.file, inForce.folder, wish, signal),
    lake: lakeOf(context),
    link: linkOf(context),
    problems: async (now, known) => problemsOf(await readProblemFacts(store, now, context.clock.now(), known)),
    settings: {
      standing: () => inForce.standing(),
      file: async () => ({ ...(await readConfigView(config.file, context.env)), inForce: inForce.isCurrent() }),
      doctor: () => doctorApart(context, config.file, inForce.folder),
      testChannel: async (now, name) => {
        const channel = openRinging(now.alerts, senderOf(context, now, self.host))
          .channels()
          .get(name);
        if (channel !== undefined) await sendTest(channel, new Date(context.clock.now()).toISOString());
      },
    },
    log,
    tell,
    uiFolder: packageFile('dist', 'ui'),
    listen,
    hosts: config.daemon.hosts,
    traced: tracesWanted(context.env),
    requireToken: config.daemon.requireToken,
    tls: readTls(config.daemon),
    routes,
  };
}

/** A file that cannot be read is another one than it was. */
function textInForce(file: string, { folder }: ConfigInForce): ReturnType<ServerParts['configText']> {
  const yaml = readFileSync(join(folder, 'pipelines.yaml'), 'utf8');
  try {
    return { yaml, newer: readFileSync(file, 'utf8') !== yaml };
  } catch {
    return { yaml, newer: true };
  }
}

/** The lake of the configuration in force; another one when that was changed. */
function lakeOf(context: CommandContext): (config: Config) => Promise<Lake> {
  let open: { readonly name: string; readonly connection: Promise<Connection> } | undefined;
  return async ({ lake }) => {
    const name = JSON.stringify(lake);
    if (open?.name !== name) open = { name, connection: context.link(lake.type, 'lake', lakeSettings(lake)) };
    const { lake: found } = await open.connection;
    if (found === undefined) throw new Error('the connection named lake is no lake');
    return found;
  };
}

/** Links to sources and sinks for looking at them; another one where the settings of one were changed. They hold nothing open between two looks. */
function linkOf(context: CommandContext): ServerParts['link'] {
  const open = new Map<string, Promise<Connection>>();
  return (config, kind, name) => {
    const { type, settings } = settingsOf(config, kind, name);
    const key = JSON.stringify([kind, name, type, settings]);
    const known = open.get(key);
    if (known !== undefined) return known;
    const opening = context.link(type, name, settings, config.root);
    open.set(key, opening);
    return opening;
  };
}

async function refuseUnguarded({ listen, tls, access, tell }: ServerParts): Promise<void> {
  if (isLoopbackName(listen.host)) return;
  if ((await access.tokens()).length === 0)
    throw new EngineError(
      'usage',
      'serve.no-token',
      `others can reach ${showListen(listen)}, and there is no token that they would have to show`,
      {
        hint: 'Make one with engine token create NAME, or listen at 127.0.0.1.',
      },
    );
  if (tls === undefined)
    tell('warn', `${showListen(listen)} is reached without TLS: tokens can be read on the way. Set daemon.tls, or put a proxy before it`);
}

function readTls({ tls }: DaemonConfig): ServerParts['tls'] {
  if (tls === undefined) return undefined;
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new EngineError('outside', 'serve.tls', `${file} cannot be read`, {
        cause: error,
        hint: 'Look at daemon.tls in pipelines.yaml, and at the rights of the file.',
      });
    }
  };
  return { cert: read(tls.cert), key: read(tls.key) };
}
