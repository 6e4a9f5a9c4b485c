import { parseListen } from '../base/listen.ts';
import { suggest } from '../base/suggest.ts';
import type { CatchupConfig, Config, DaemonConfig, PipelineConfig, RetryConfig, ScheduleConfig, TableConfig } from '../config.ts';
import { readPipelineAlerts } from './alerts.ts';
import { path } from './connections.ts';
import { checkCron } from './cron.ts';
import { readDuration } from './duration.ts';
import { below, type Findings } from './findings.ts';
import { items, type Layer, layered, refuseCaseTwins, refuseOddName } from './layer.ts';
import { readLinks } from './links.ts';
import type { RawConfig, RawPipeline, RawRetries, RawSchedule } from './raw.ts';
import { checkTimezone } from './timezone.ts';

type Known = Pick<Config, 'tables' | 'tableDefaults'>;

/** The pipelines, with `defaults` behind each. */
export function readPipelines(raw: RawConfig, known: Known, findings: Findings): Readonly<Record<string, PipelineConfig>> {
  const names = Object.keys(raw.pipelines ?? {});
  refuseCaseTwins(findings, 'pipelines', names);
  return Object.fromEntries(names.map((name) => [name, readPipeline(name, raw, known, findings)]));
}

function readPipeline(name: string, raw: RawConfig, known: Known, findings: Findings): PipelineConfig {
  const pointer = below('/pipelines', name);
  const layer = layered<RawPipeline>(findings, { value: raw.pipelines?.[name], pointer }, { value: raw.defaults, pointer: '/defaults' });
  refuseOddName(findings, 'pipelines', name);
  const mode = layer.get('mode');
  if (mode === undefined && !layer.spoiled('mode'))
    findings.on(pointer, 'key', {
      code: 'config.missing',
      message: `pipeline \`${name}\` has no \`mode\``,
      hint: 'Write `mode: full` (whole tables) or `mode: incremental` (what changed since the last sync).',
    });
  const tables = readTableList(layer, mode, raw, known, findings);
  const dbt = readSelectors(layer, raw, findings);
  if (
    tables.length === 0 &&
    dbt.length === 0 &&
    !layer.spoiled('tables') &&
    !layer.spoiled('dbt') &&
    items(layer.get('tables')).length === 0
  )
    findings.on(pointer, 'key', {
      code: 'config.empty',
      message: `pipeline \`${name}\` has nothing to do`,
      hint: 'Give it `tables: [...]`, or `dbt: [...]`, or both.',
    });
  const timeout = layer.get('timeout');
  return {
    name,
    mode: mode ?? 'full',
    tables,
    exclude: readExclude(layer, findings),
    dbt,
    schedules: readSchedules(layer, findings),
    overlap: layer.get('overlap') ?? 'skip',
    catchup: readCatchup(layer, findings),
    resume: layer.get('resume') ?? true,
    paused: layer.get('paused') ?? false,
    retries: readRetries(raw.pipelines?.[name]?.retries, below(pointer, 'retries'), raw, findings),
    timeoutMs: typeof timeout === 'string' ? readTimeout(timeout, layer.pointer('timeout'), findings) : undefined,
    concurrency: layer.get('concurrency') ?? 2,
    tags: items(layer.get('tags')),
    alerts: readPipelineAlerts(raw.pipelines?.[name]?.alerts, below(pointer, 'alerts'), raw, findings),
  };
}

/** What the daemon may do. */
export function readDaemon(raw: RawConfig, root: string, findings: Findings): DaemonConfig {
  const {
    maxConcurrentRuns = 4,
    shutdownTimeout = '60s',
    log = 'text',
    logLevel = 'info',
    listen = '127.0.0.1:4460',
    hosts = [],
    requireToken = false,
    tls,
  } = raw.daemon ?? {};
  if (listen !== 'off' && parseListen(listen) === undefined && !findings.spoiled('/daemon/listen'))
    findings.on('/daemon/listen', 'value', {
      code: 'config.value',
      message: `\`listen\` of \`daemon\` cannot be \`${listen}\`: a port is at most 65535`,
      hint: 'For example: `listen: 127.0.0.1:4460`.',
    });
  return {
    maxConcurrentRuns,
    shutdownTimeoutMs: readDuration(shutdownTimeout, '/daemon/shutdownTimeout', findings),
    log,
    logLevel,
    listen: parseListen(listen),
    hosts,
    requireToken,
    tls: readTls(tls, root, findings),
    links: readLinks(raw, findings),
  };
}

function readTls(
  { cert, key }: { readonly cert?: string; readonly key?: string } = {},
  root: string,
  findings: Findings,
): DaemonConfig['tls'] {
  if (cert === undefined || key === undefined) return undefined;
  return { cert: path(cert, '/daemon/tls/cert', root, findings), key: path(key, '/daemon/tls/key', root, findings) };
}

const isPattern = (text: string): boolean => text.includes('*');

function readTableList(
  layer: Layer<RawPipeline>,
  mode: string | undefined,
  raw: RawConfig,
  known: Known,
  findings: Findings,
): readonly string[] {
  const names = Object.keys(known.tables);
  for (const [i, item] of (layer.get('tables') ?? []).entries()) {
    if (item === undefined) continue;
    const pointer = below(layer.pointer('tables'), i);
    const table = Object.hasOwn(known.tables, item) ? known.tables[item] : undefined;
    if (table !== undefined) {
      if (mode === 'incremental') checkIncremental(table, pointer, findings);
    } else if (isPattern(item)) checkPattern(item, pointer, raw, known, findings);
    else if (!findings.spoiled('/tables') && !findings.spoiled(below('/tables', item)))
      findings.on(pointer, 'value', unknownTable(item, names));
  }
  return items(layer.get('tables'));
}

function unknownTable(item: string, names: readonly string[]): { code: string; message: string; hint: string } {
  const near = suggest(item, names) ?? names.find((name) => item === `public.${name}`);
  const bare = item.split('.').at(-1) ?? item;
  const declare = item.includes('.') ? `\`${bare}: { table: ${item} }\`` : `\`${item}: {}\``;
  return {
    code: 'config.unknown-name',
    message: `there is no table \`${item}\``,
    hint: near === undefined ? `Add a line ${declare} under \`tables:\`, or write a pattern with \`*\`.` : `Did you mean \`${near}\`?`,
  };
}

function checkPattern(item: string, pointer: string, raw: RawConfig, known: Known, findings: Findings): void {
  if (!/^[^.\s]+\.[^.]+$/.test(item)) {
    findings.on(pointer, 'value', {
      code: 'config.pattern',
      message: `the pattern \`${item}\` does not say in which schema`,
      hint: `Write \`schema.name\`: \`public.${item.split('.').at(-1) ?? '*'}\`.`,
    });
    return;
  }
  for (const kind of ['source', 'sink'] as const) {
    const names = Object.keys(raw[`${kind}s`] ?? {});
    if (
      known.tableDefaults[kind] !== undefined ||
      names.length < 2 ||
      raw.defaults?.[kind] !== undefined ||
      findings.spoiled(below('/defaults', kind))
    )
      continue;
    findings.on(pointer, 'value', {
      code: 'config.missing',
      message: `the pattern \`${item}\` does not say its ${kind}, and there are ${names.length}`,
      hint: `Write \`${kind}: ${names[0]}\` under \`defaults:\`. There are: ${names.join(', ')}.`,
    });
  }
}

function checkIncremental(table: TableConfig, pointer: string, findings: Findings): void {
  const at = below('/tables', table.name);
  if (table.cursor === undefined && !findings.spoiled(below(at, 'cursor')) && !findings.spoiled('/defaults/cursor'))
    findings.on(pointer, 'value', {
      code: 'config.no-cursor',
      message: `table \`${table.name}\` has no cursor, so what changed in it cannot be told`,
      hint: 'Add `cursor:` with the column that moves whenever a row changes, such as `updated_at`, or take the table in a pipeline with `mode: full`.',
    });
  if (table.key !== undefined && table.key.length === 0 && table.load === 'merge' && !findings.spoiled(below(at, 'key')))
    findings.on(pointer, 'value', {
      code: 'config.no-key',
      message: `table \`${table.name}\` has no key, so changed rows cannot be merged`,
      hint: 'Name its `key:`, or write `load: append` at the table, or take it with `mode: full`.',
    });
}

function readExclude(layer: Layer<RawPipeline>, findings: Findings): readonly string[] {
  const exclude = items(layer.get('exclude'));
  if (layer.own('exclude') && exclude.length > 0 && !layer.spoiled('tables') && !items(layer.get('tables')).some(isPattern))
    findings.on(layer.pointer('exclude'), 'key', {
      code: 'config.no-effect',
      message: '`exclude` leaves nothing out here: no pattern is among the `tables`',
      hint: 'Remove it, or name tables by a pattern such as `public.*`.',
    });
  return exclude;
}

function readSelectors(layer: Layer<RawPipeline>, raw: RawConfig, findings: Findings): readonly string[] {
  const written = layer.get('dbt');
  const selectors = typeof written === 'string' ? [written] : items(written);
  if (selectors.length > 0 && raw.dbt === undefined && !findings.spoiled('/dbt'))
    findings.on(layer.pointer('dbt'), 'key', {
      code: 'config.missing',
      message: 'the file says nothing of a dbt project',
      hint: 'Add `dbt: { project: dbt }` at the top of the file, or remove the selectors.',
    });
  return selectors;
}

function readSchedules(layer: Layer<RawPipeline>, findings: Findings): readonly ScheduleConfig[] {
  const own = { one: layer.own('schedule'), many: layer.own('schedules') };
  if (own.one && own.many)
    findings.on(layer.pointer('schedule'), 'key', {
      code: 'config.both',
      message: 'there is both `schedule` and `schedules`',
      hint: 'Put all into `schedules`.',
    });
  const found: ScheduleConfig[] = [];
  const add = (schedule: RawSchedule | null | undefined, pointer: string): void => {
    if (schedule === null || schedule === undefined) return;
    const read = readSchedule(schedule, pointer, findings);
    if (read !== undefined) found.push(read);
  };
  if (own.one || !own.many) add(layer.get('schedule'), layer.pointer('schedule'));
  if (own.many || !own.one)
    for (const [i, schedule] of (layer.get('schedules') ?? []).entries()) add(schedule, below(layer.pointer('schedules'), i));
  return found;
}

function readSchedule(schedule: RawSchedule, pointer: string, findings: Findings): ScheduleConfig | undefined {
  const text = typeof schedule === 'string' ? schedule : schedule.cron;
  const timezone = (typeof schedule === 'string' ? undefined : schedule.timezone) ?? 'UTC';
  checkTimezone(timezone, below(pointer, 'timezone'), findings);
  if (text === undefined) return undefined;
  const place = typeof schedule === 'string' ? pointer : below(pointer, 'cron');
  const checked = checkCron(text);
  const dst = typeof schedule === 'string' ? undefined : schedule.dst;
  if ('cron' in checked) return { cron: checked.cron, timezone, dst: { gap: dst?.gap ?? 'after', fold: dst?.fold ?? 'once' } };
  findings.within(place, text, checked.part, { code: 'config.cron', message: checked.problem, hint: checked.hint });
  return undefined;
}

function readCatchup(layer: Layer<RawPipeline>, findings: Findings): CatchupConfig {
  const catchup = layer.get('catchup') ?? 'latest';
  if (typeof catchup === 'string') return catchup;
  return { windowMs: readDuration(catchup.window ?? '1d', below(layer.pointer('catchup'), 'window'), findings), max: catchup.max ?? 1 };
}

function readRetries(own: RawRetries | undefined, pointer: string, raw: RawConfig, findings: Findings): RetryConfig {
  const layer = layered<RawRetries>(findings, { value: own, pointer }, { value: raw.defaults?.retries, pointer: '/defaults/retries' });
  return {
    attempts: layer.get('attempts') ?? 3,
    delayMs: readDuration(layer.get('delay') ?? '5s', layer.pointer('delay'), findings),
    factor: layer.get('factor') ?? 2,
    maxDelayMs: readDuration(layer.get('maxDelay') ?? '5m', layer.pointer('maxDelay'), findings),
  };
}

function readTimeout(text: string, pointer: string, findings: Findings): number {
  const ms = readDuration(text, pointer, findings);
  if (ms === 0)
    findings.on(pointer, 'value', {
      code: 'config.value',
      message: 'nothing can be done in no time',
      hint: 'Write how long one try of one node may take, such as `2h`, or remove it.',
    });
  return ms;
}
