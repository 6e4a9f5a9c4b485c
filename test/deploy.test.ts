import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { command as daemonCommand } from '../engine/commands/daemon.ts';
import { families } from '../engine/serve/metric-families.ts';
import { hasPromtool, promtool } from './support/exposition.ts';
import { suite } from './support/suite.ts';

const root = join(import.meta.dirname, '..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const has = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

/** What a run may take to end once the daemon is told to stop: `daemon.shutdownTimeout` and the time to roll back. */
const stopSeconds = 60 + 20;

/** Settings of a unit file, the last one of a name. */
function settings(unit: string): ReadonlyMap<string, string> {
  return new Map(
    unit
      .split('\n')
      .flatMap((line): [string, string][] =>
        /^[A-Z]\w+=/.test(line) ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [],
      ),
  );
}

interface ComposeService {
  readonly command?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
}

/** Names of the engine's metrics in a text. */
function metricsIn(page: string): readonly string[] {
  return [...new Set([...page.matchAll(/\bengine_[a-z_]+[a-z]\b/g)].map(([name]) => name))];
}

suite('deploying', ({ test, skip, before, after }) => {
  const known = new Set(families.map((family) => family.name));
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-deploy-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const unit = text('deploy/engine.service');
  test('the unit leaves runs the time that they may take, and takes being told to stop for success', () => {
    const of = settings(unit);
    assert.ok(Number.parseInt(of.get('TimeoutStopSec') ?? '', 10) > stopSeconds);
    assert.match(of.get('SuccessExitStatus') ?? '', /\b143\b/);
    assert.match(of.get('ExecStart') ?? '', / daemon$/);
    assert.is(of.get('Restart'), 'on-failure');
    for (const kept of ['NoNewPrivileges', 'PrivateTmp', 'ProtectHome']) assert.is(of.get(kept), 'true');
  });

  if (has('systemd-analyze', '--version')) {
    test('systemd finds nothing wrong with the unit', () => {
      const file = join(folder, 'engine.service');
      // The program that it names has to be there.
      writeFileSync(file, unit.replace('/usr/local/bin/engine ', `${process.execPath} `));
      const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      assert.equal([status, stderr, stdout], [0, '', '']);
      writeFileSync(file, unit.replace('ProtectSystem=strict', 'ProtectSystem=sometimes'));
      assert.match(spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' }).stderr, /protect system/);
    });
  } else skip('systemd finds nothing wrong with the unit', 'there is no systemd-analyze on the PATH');

  test('the daemons of compose.yaml have the time to stop, a health check, logs that rotate, and options that the daemon knows', () => {
    const { services } = parse(text('compose.yaml'), { merge: true }) as { readonly services: Readonly<Record<string, ComposeService>> };
    const flags = new Set(['--json', ...(daemonCommand.options ?? []).map((option) => option.flags.split(' ')[0])]);
    for (const name of ['daemon', 'daemon-2']) {
      const service = services[name];
      assert.ok(Number.parseInt(service?.stop_grace_period ?? '', 10) > stopSeconds);
      assert.equal(service?.healthcheck?.test, ['CMD', 'engine-ready']);
      assert.is(service?.read_only, true);
      assert.ok(service?.logging?.options['max-size']);
      assert.is(service?.command?.[0], 'daemon');
      assert.equal(
        service?.command?.filter((word) => word.startsWith('--') && !flags.has(word)),
        [],
      );
    }
  });

  test('engine-ready goes by the answer of /readyz, and by there being one', async () => {
    let status = 200;
    const asked: string[] = [];
    const server: Server = createServer((request, reply) => {
      asked.push(`${request.url} ${request.headers.host}`);
      reply.writeHead(status).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ready = (address: string): Promise<number | null> =>
      new Promise((resolve, reject) => {
        const child = spawn(join(root, 'deploy', 'engine-ready'), { env: { ...process.env, ENGINE_LISTEN: address }, stdio: 'ignore' });
        child.on('error', reject);
        child.on('close', resolve);
      });
    assert.is(await ready(`127.0.0.1:${port}`), 0);
    assert.is(await ready(`0.0.0.0:${port}`), 0);
    status = 503;
    assert.is(await ready(`127.0.0.1:${port}`), 1);
    await new Promise((resolve) => server.close(resolve));
    assert.is(await ready(`127.0.0.1:${port}`), 1);
    assert.equal(asked, Array(3).fill(`/readyz 127.0.0.1:${port}`));
  });

  test('docs/monitoring.md has every metric, and neither it nor the alerts have others; docs/deploy.md says what to do about each alert', () => {
    const page = metricsIn(text('docs/monitoring.md'));
    assert.equal(
      [...known].filter((name) => !page.includes(name)),
      [],
    );
    const alerts = metricsIn(text('deploy/prometheus-alerts.yml'));
    assert.ok(alerts.length > 4);
    const explained = text('docs/deploy.md');
    const rung = [...text('deploy/prometheus-alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');
    assert.equal(
      rung.filter((name) => !explained.includes(`| \`${name}\` |`)),
      [],
    );
    assert.equal(
      [...page, ...alerts].filter((name) => !known.has(name)),
      [],
    );
  });

  /** What `promtool test rules` takes: two daemons that tell the same, and none. */
  const rules = (): string => {
    const file = join(root, 'deploy', 'prometheus-alerts.yml');
    const { groups } = parse(text('deploy/prometheus-alerts.yml')) as {
      readonly groups: readonly {
        readonly rules: readonly { readonly alert: string; readonly annotations: Readonly<Record<string, string>> }[];
      }[];
    };
    const rings = (alert: string, labels: Readonly<Record<string, string>>, severity = 'critical', value = ''): object => ({
      exp_labels: { severity, ...labels },
      exp_annotations: Object.fromEntries(
        Object.entries(groups[0]?.rules.find((rule) => rule.alert === alert)?.annotations ?? {}).map(([key, said]) => [
          key,
          said
            .replace('{{ $labels.pipeline }}', labels.pipeline ?? '')
            .replace('{{ $labels.table }}', labels.table ?? '')
            .replace('{{ $value | humanizeDuration }}', value),
        ]),
      ),
    });
    const twice = (name: string, labels: string, values: readonly [string, string]): readonly object[] =>
      values.map((of, i) => ({ series: `${name}{instance="${i}"${labels}}`, values: of }));
    const nobody = rings('EngineNobodyLeads', {});
    const fails = rings('EnginePipelineFails', { pipeline: 'p' });
    const behind = (table: string, value: string): object => rings('EngineTableBehind', { table }, 'warning', value);
    /** From 23 hours on. */
    const lags = '82800+60x600';
    const counts = '0x30 1x10 2x10 3x40';
    return JSON.stringify({
      rule_files: [file],
      evaluation_interval: '1m',
      tests: [
        { interval: '1m', input_series: [], alert_rule_test: [{ eval_time: '3m', alertname: 'EngineNobodyLeads', exp_alerts: [nobody] }] },
        {
          interval: '1m',
          input_series: [
            ...twice('engine_leader', '', ['0x90', '1x90']),
            ...twice('engine_runs_total', ',pipeline="p",state="failed"', [counts, counts]),
          ],
          alert_rule_test: [
            { eval_time: '30m', alertname: 'EngineNobodyLeads', exp_alerts: [] },
            { eval_time: '45m', alertname: 'EnginePipelineFails', exp_alerts: [] },
            { eval_time: '60m', alertname: 'EnginePipelineFails', exp_alerts: [fails] },
          ],
        },
        {
          interval: '1m',
          // A table that may be 30 hours behind, and one of which nothing is said: both are loaded once a day.
          input_series: ['may-be-old', 'daily']
            .flatMap((table) => twice('engine_table_lag_seconds', `,table="${table}"`, [lags, lags]))
            .concat(
              twice('engine_table_lag_limit_seconds', ',table="may-be-old"', ['108000x600', '108000x600']),
              // A busy source: some transaction is open whenever an extract reads.
              twice('engine_table_fence_held_seconds', ',table="daily"', ['2x600', '2x600']),
              twice('engine_table_fence_held_seconds', ',table="may-be-old"', ['7200x600', '7200x600']),
            ),
          alert_rule_test: [
            { eval_time: '2h', alertname: 'EngineFenceHeld', exp_alerts: [rings('EngineFenceHeld', { table: 'may-be-old' }, 'warning')] },
            { eval_time: '2h', alertname: 'EngineTableBehind', exp_alerts: [] },
            { eval_time: '5h', alertname: 'EngineTableBehind', exp_alerts: [behind('daily', '1d 4h 0m 0s')] },
            {
              eval_time: '8h',
              alertname: 'EngineTableBehind',
              exp_alerts: [behind('daily', '1d 7h 0m 0s'), behind('may-be-old', '1d 7h 0m 0s')],
            },
          ],
        },
      ],
    });
  };
  if (hasPromtool())
    test('promtool finds nothing wrong with the alerts, and they ring when they should', () => {
      assert.is(promtool(['check', 'rules', '--lint=all', '--lint-fatal', join(root, 'deploy', 'prometheus-alerts.yml')], ''), '');
      const file = join(folder, 'rules-test.yml');
      writeFileSync(file, rules());
      assert.is(promtool(['test', 'rules', file], ''), '');
    });
  else skip('promtool finds nothing wrong with the alerts, and they ring when they should', 'there is no promtool on the PATH');
});
