import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { openRinging } from '../alarms/index.ts';
import { parseListen } from '../base/listen.ts';
import { packageFile } from '../base/package-root.ts';
import { redact } from '../base/secret.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import type { ListenAddress } from '../config.ts';
import { EngineError, exitCodeOf } from '../error.ts';
import type { QueueEntry } from '../queue.ts';
import { lightEvent } from '../run.ts';
import { type Child, type DaemonParts, runDaemon } from '../schedule/daemon.ts';
import type { Routes } from '../serve/parts.ts';
import { createPulse, type Pulse } from '../serve/pulse.ts';
import { senderOf } from './alert-sender.ts';
import { type ConfigInForce, watchConfig } from './config-in-force.ts';
import { openDaemonLog } from './daemon-log.ts';
import type { DaemonServerParts } from './daemon-server.ts';
import { exportInterrupted } from './export-interrupted.ts';
import { eventText, followRunEvents, levelOf } from './run-events.ts';

/** Bytes of its log that may wait for their reader before it stops following runs. */
const mostUnwritten = 1_000_000;

/** `engine daemon`: runs pipelines at their times until it is told to stop; exit 130 or 143 then. */
export const command: Command = {
  name: 'daemon',
  summary: 'run pipelines at the times of their schedules',
  description:
    'Runs each pipeline at the times of its schedules, once each, until it is told to stop (Ctrl-C, SIGTERM). Several daemons on one state store take turns: one leads, another takes over when it is gone. An edited pipelines.yaml is taken in without a restart.',
  options: [
    { flags: '--listen <address>', summary: 'where the page and the API answer: host:port, or off (default: `daemon.listen`)' },
    { flags: '--log-level <level>', summary: 'debug, info, warn or error: leave out of its log what is less (default: `daemon.logLevel`)' },
  ],
  examples: [
    'engine daemon                         # until Ctrl-C; the page is at http://127.0.0.1:4460',
    'engine daemon --listen 127.0.0.1:8080 # the page somewhere else',
    'engine daemon --json                  # one JSON document per line: its own log, and the events of its runs',
    'engine why incremental_users          # what a pipeline waits for',
  ],
  endsInItsOwnTime: true,
  async run(context, input) {
    const insisted = listenOption(input.options.listen);
    const config = await context.config();
    const store = await context.store();
    const { queue, history } = store;
    if (queue === undefined || history === undefined)
      throw new EngineError('usage', 'daemon.no-store', 'a daemon needs a state store that outlives it', {
        hint: 'Remove `state: memory` from pipelines.yaml: runs and schedules are then kept in the database of the first sink.',
      });
    const daemonLog = openDaemonLog(context, config.daemon, input.options.logLevel);
    const { log, tell } = daemonLog;
    const inForce = watchConfig(config, {
      file: config.file,
      env: context.env,
      now: context.clock.now,
      refused(diagnostics, why) {
        context.reporter.diagnostics(diagnostics);
        tell('error', `${config.file} was changed and is not taken: ${why}. The one before stays in force`);
      },
      taken: (now) => {
        daemonLog.reload(now.daemon);
        tell('info', `${config.file} was changed, and is in force now`);
      },
      trouble: (text) => tell('warn', text),
    });
    const self = { runId: `daemon-${ulid(context.clock.now())}`, host: hostname(), pid: process.pid };
    tell(
      'info',
      `daemon on ${self.host}, pid ${self.pid}: ${Object.values(config.pipelines).filter((p) => p.schedules.length > 0).length} pipelines have schedules`,
    );
    const runEvents = followRunEvents({
      clock: context.clock,
      runOf: async (id) => (await queue.entry(id))?.runId,
      events: (runId, afterSeq, limit) => history.events({ runId, afterSeq, limit }),
      tell: (event, { id, pipeline }) => {
        const light = lightEvent(event);
        if (light !== undefined) log[levelOf(light)]({ ...light, level: undefined, pipeline, queued: id }, eventText(light));
      },
      trouble: (text, { id, pipeline }, runId) => tell('warn', text, { pipeline, queued: id, ...(runId === undefined ? {} : { runId }) }),
      isBehind: () => process.stdout.writableLength > mostUnwritten,
    });
    const pulse = createPulse(context.clock);
    const closeServer =
      insisted === 'off'
        ? undefined
        : await serve(context, pulse, { config, inForce, self, insisted, log: log.child({ type: 'http' }), tell });
    try {
      await runDaemon({
        store,
        queue,
        clock: context.clock,
        self,
        config: inForce.current,
        start: (entry) => {
          const child = startRun(context, inForce, config.file, entry, tell);
          if (daemonLog.isJson) runEvents.follow(entry, child.ended);
          return child;
        },
        openRinging: (alerts) => openRinging(alerts, senderOf(context, config, self.host)),
        tell,
        interrupted: (runIds) => void exportInterrupted(context, store, runIds, (text) => tell('warn', text)),
        turned: pulse.turned,
        signal: context.signal,
      });
    } finally {
      await closeServer?.();
    }
    await runEvents.end();
    tell('info', 'stopped');
    return exitCodeOf({ trouble: 'stopped' });
  },
};

/** The page and the API; without them nothing of the server is loaded. */
async function serve(
  context: CommandContext,
  pulse: Pulse,
  given: Pick<DaemonServerParts, 'config' | 'inForce' | 'self' | 'insisted' | 'log' | 'tell'>,
): Promise<() => Promise<void>> {
  const { startDaemonServer } = await import('./daemon-server.ts');
  const { healthRoutes } = await import('../serve/health.ts');
  const { metricsRoutes } = await import('../serve/metrics.ts');
  const routes: readonly Routes[] = [
    (app, parts) => healthRoutes(app, { ...parts, pulse, signal: context.signal }),
    (app, parts) => metricsRoutes(app, { ...parts, pulse }),
  ];
  return startDaemonServer({ ...given, context, routes });
}

function listenOption(given: CommandInput['options'][string]): ListenAddress | 'off' | undefined {
  if (given === undefined || given === 'off') return given;
  const address = typeof given === 'string' ? parseListen(given) : undefined;
  if (address !== undefined) return address;
  throw new EngineError('usage', 'daemon.listen', `--listen cannot be ${String(given)}`, {
    hint: 'It is `off`, or a host and a port such as 127.0.0.1:4460 or [::1]:4460.',
  });
}

/**
 * A process of its own for each run: what it uses is given back when it ends, a Ctrl-C in the daemon's terminal does not reach it, and it goes on when the daemon is
 * killed. So it writes to a file, not into a pipe that would break then; its events are in the store.
 */
function startRun(context: CommandContext, inForce: ConfigInForce, file: string, entry: QueueEntry, tell: DaemonParts['tell']): Child {
  const errors = join(inForce.folder, `run-${entry.id}.txt`);
  let output: number | 'ignore' = 'ignore';
  try {
    output = openSync(errors, 'w', 0o600);
  } catch (error) {
    tell('warn', `what the run says at its start is not kept: ${(error as Error).message}`, { pipeline: entry.pipeline, queued: entry.id });
  }
  const child = spawn(
    process.execPath,
    [packageFile('bin', 'engine.js'), '--config', file, 'run', '--queued', String(entry.id), '--quiet'],
    {
      cwd: context.cwd,
      env: { ...process.env, ENGINE_CONFIG_FROZEN: inForce.folder },
      stdio: ['ignore', 'ignore', output],
      detached: true,
    },
  );
  if (output !== 'ignore') closeSync(output);
  return {
    ended: new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, said: error.message }));
      child.once('close', (code) => {
        resolve({ code, said: output === 'ignore' ? '' : redact(firstError(taken(errors))) });
      });
    }),
    stop: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The text of a file, which is removed; empty when somebody has removed it before. Never throws: what keeps it from being read or removed is said instead. */
function taken(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    rmSync(file, { force: true });
    return text;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? '' : `what it said is not to be had: ${(error as Error).message}`;
  }
}

/** What `--quiet` said of an error, without its hint. */
function firstError(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /^\S*error/.test(line)) ?? lines[0] ?? '').replace(/^error:\s*/, '').slice(0, 1_000);
}
