import type { FastifyInstance } from 'fastify';
import type { ChannelView, ConfigPage, DoctorLook, DoctorPage, PlaceView, SettingsPage } from '../api-settings.ts';
import { showListen } from '../base/listen.ts';
import { redact, redactAll } from '../base/secret.ts';
import { suggest } from '../base/suggest.ts';
import type { AlertsConfig, Config, LakeConfig, StateConfig } from '../config.ts';
import { EngineError } from '../error.ts';
import { acted } from './actions.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, nameParam, ref } from './schemas.ts';
import { leadershipView } from './views.ts';

/** Longer than a look at everything may take. */
const doctorMs = 90_000;
const done = answers({ type: 'object', properties: { outcome: { type: 'string' } }, required: ['outcome'] });

/** What is in force, whether it can all be reached, and what may be done about it. */
export function settingsRoutes(app: FastifyInstance, parts: ServerParts): void {
  const { clock, access, settings } = parts;
  const iso = (ms: number): string => new Date(ms).toISOString();

  app.get(
    '/settings',
    { schema: { summary: 'What is in force, without secrets', response: answers(ref('SettingsPage')) } },
    async (): Promise<SettingsPage> => {
      const config = await parts.config();
      const [daemon, tokens, bytes] = await Promise.all([leadershipView(parts), access.tokens(), parts.history.bytes()]);
      const { takenAt, refused } = settings.standing();
      const { heartbeat } = config.alerts;
      const page: SettingsPage = {
        at: iso(clock.now()),
        engine: parts.engine,
        daemon,
        config: { file: config.file, takenAt, refused },
        state: { ...stateView(config), bytes },
        sources: Object.values(config.sources).map(({ name, type, url }) => ({ name, type, place: placeOf(url) })),
        lake: lakeView(config.lake),
        sinks: Object.values(config.sinks).map(({ name, type, url, schema }) => ({ name, type, place: placeOf(url), schema })),
        dbt: config.dbt,
        channels: channelViews(config),
        heartbeat: heartbeat === undefined ? undefined : { everyMs: heartbeat.everyMs },
        tokens: tokens.map(({ name, createdAt, usedAt }) => ({ name, createdAt, usedAt })),
        access: { listen: showListen(parts.listen), tls: parts.tls !== undefined, requireToken: parts.requireToken, hosts: parts.hosts },
        limits: { maxConcurrentRuns: config.daemon.maxConcurrentRuns, shutdownTimeoutMs: config.daemon.shutdownTimeoutMs },
      };
      return redactAll(page) as unknown as SettingsPage;
    },
  );

  app.get(
    '/config',
    { schema: { summary: 'The file as it is now, without secrets, and what is wrong in it', response: answers(ref('ConfigPage')) } },
    async (): Promise<ConfigPage> => {
      await parts.config();
      const page: ConfigPage = { at: iso(clock.now()), ...settings.standing(), ...(await settings.file()) };
      return redactAll(page) as unknown as ConfigPage;
    },
  );

  let last: DoctorLook | undefined;
  let runningSince: string | undefined;
  app.get(
    '/doctor',
    { schema: { summary: 'What the newest look at everything found', response: answers(ref('DoctorPage')) } },
    async (): Promise<DoctorPage> => ({ last, runningSince }),
  );

  app.post(
    '/doctor',
    {
      handlerTimeout: doctorMs,
      schema: {
        summary: 'Looks whether every source, sink, the lake and dbt can be reached, and with what rights; reads only',
        response: answers(ref('DoctorPage')),
      },
    },
    async (request): Promise<DoctorPage> =>
      acted(parts, request, 'doctor', '', async (by) => {
        if (runningSince !== undefined)
          throw new Refusal(429, 'doctor.busy', `somebody looks already, since ${runningSince}`, 'Its answer is here in a moment.');
        const beganMs = clock.now();
        runningSince = iso(beganMs);
        try {
          const checks = redactAll(await settings.doctor()) as unknown as DoctorLook['checks'];
          last = { at: iso(beganMs), by, tookMs: clock.now() - beganMs, checks };
        } finally {
          runningSince = undefined;
        }
        const count = (outcome: string): number => last?.checks.filter((check) => check.outcome === outcome).length ?? 0;
        return [{ last, runningSince }, `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`];
      }),
  );

  const testing = new Set<string>();
  app.post<{ Params: { readonly channel: string } }>(
    '/alerts/:channel/test',
    {
      handlerTimeout: 30_000,
      schema: {
        summary: 'Sends a message to a channel that says that it is a test',
        params: fields({ channel: nameParam }, ['channel']),
        response: done,
      },
    },
    async (request) =>
      acted(parts, request, 'test-channel', request.params.channel, async () => {
        const config = await parts.config();
        const name = knownChannel(config.alerts, request.params.channel);
        if (testing.has(name)) throw new Refusal(429, 'alerts.busy', `a test of ${name} is on its way`, 'Wait for what becomes of it.');
        testing.add(name);
        try {
          await settings.testChannel(config, name);
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
          throw new Refusal(
            503,
            error.code,
            `${name} did not take it: ${error.message}`,
            'Look at the channel in pipelines.yaml, and at what answers there.',
          );
        } finally {
          testing.delete(name);
        }
        return [{ outcome: 'taken' }, 'taken'];
      }),
  );

  app.delete<{ Params: { readonly name: string } }>(
    '/tokens/:name',
    {
      schema: {
        summary: 'Ends a token, with every browser that was logged in with it',
        params: fields({ name: nameParam }, ['name']),
        response: done,
      },
    },
    async (request) =>
      acted(parts, request, 'revoke-token', request.params.name, async () => {
        if (!(await access.revokeToken(request.params.name)))
          throw new Refusal(404, 'token.unknown', `there is no token ${request.params.name}`, 'Somebody may have revoked it just now.');
        return [{ outcome: 'revoked' }, 'done'];
      }),
  );
}

function knownChannel({ channels, off }: AlertsConfig, name: string): string {
  if (Object.hasOwn(channels, name)) return name;
  if (off.includes(name))
    throw new Refusal(409, 'alerts.channel-off', `channel ${name} is off: its URL is \`off\``, 'Set the variable that its URL comes from.');
  const near = suggest(name, Object.keys(channels));
  throw new Refusal(404, 'alerts.unknown-channel', `there is no channel ${name}`, near === undefined ? undefined : `Did you mean ${near}?`);
}

function channelViews({ alerts: { channels, off }, pipelines }: Config): readonly ChannelView[] {
  const ringing = (name: string): readonly string[] =>
    Object.values(pipelines).flatMap((pipeline) => (pipeline.alerts.to.includes(name) ? [pipeline.name] : []));
  return [
    ...Object.values(channels).map(({ name, type }) => ({ name, type, off: false, pipelines: ringing(name) })),
    ...off.map((name) => ({ name, type: undefined, off: true, pipelines: ringing(name) })),
  ];
}

function stateView({ state, sinks }: Config): Omit<SettingsPage['state'], 'bytes'> {
  return {
    type: state.type,
    place: statePlace(state, sinks),
    schema: 'schema' in state ? state.schema : undefined,
    retention: 'retention' in state ? state.retention : undefined,
  };
}

function statePlace(state: StateConfig, sinks: Config['sinks']): string {
  if (state.type === 'memory') return 'memory';
  return state.type === 'postgres' ? placeOf(state.url) : `sink ${state.sink}, ${placeOf(sinks[state.sink]?.url ?? '')}`;
}

function lakeView(lake: LakeConfig): PlaceView {
  if (lake.type === 'file') return { name: 'lake', type: 'file', place: lake.path };
  const { bucket, prefix, region, endpoint } = lake;
  const at = [...(region === undefined ? [] : [region]), ...(endpoint === undefined ? [] : [placeOf(endpoint)])];
  return {
    name: 'lake',
    type: 's3',
    place: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}${at.length === 0 ? '' : `, ${at.join(', ')}`}`,
  };
}

/** Of a URL no more than host, port and database; where it is written in a way that leaves a doubt which part is which, not even that. */
function placeOf(url: string): string {
  if (url === 'embedded') return 'embedded';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || parsed.hostname === '' || /[@:%]/.test(parsed.pathname)) return 'as it is written in pipelines.yaml';
  return redact(`${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`);
}
