import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { keepSecret } from '../base/secret.ts';
import { parseSize } from '../base/size.ts';
import { suggest } from '../base/suggest.ts';
import type { DbtConfig, ExtractConfig, LakeConfig, SinkConfig, SourceConfig, StateConfig } from '../config.ts';
import { readDuration } from './duration.ts';
import { below, type Findings } from './findings.ts';
import { chooseName, knownName, refuseCaseTwins, refuseOddName } from './layer.ts';
import type { RawConfig } from './raw.ts';
import { hideUrls } from './read.ts';

/** The schema of the ledger and, by default, of the state: nothing else goes there. */
const ownSchema = 'engine';

/** The sources, each with a URL that a Postgres driver takes. */
export function readSources(raw: RawConfig, findings: Findings): Readonly<Record<string, SourceConfig>> {
  const names = Object.keys(raw.sources ?? {});
  refuseCaseTwins(findings, 'sources', names);
  return Object.fromEntries(
    names.map((name) => {
      refuseOddName(findings, 'sources', name);
      const url = raw.sources?.[name]?.url ?? '';
      checkUrl(url, below('/sources', name, 'url'), findings);
      return [name, { name, type: 'postgres', url }];
    }),
  );
}

/** The sinks, each with its staging schema. */
export function readSinks(raw: RawConfig, findings: Findings): Readonly<Record<string, SinkConfig>> {
  const names = Object.keys(raw.sinks ?? {});
  refuseCaseTwins(findings, 'sinks', names);
  return Object.fromEntries(
    names.map((name) => {
      refuseOddName(findings, 'sinks', name);
      const { url = '', schema = 'staging' } = raw.sinks?.[name] ?? {};
      checkUrl(url, below('/sinks', name, 'url'), findings);
      refuseSchema(schema, below('/sinks', name, 'schema'), true, findings);
      return [name, { name, type: 'postgres', url, schema }];
    }),
  );
}

/** A schema that tables cannot be made in: Postgres's own, one with a name that is too long, or (for staging) the engine's own. */
export function refuseSchema(schema: string, pointer: string, staging: boolean, findings: Findings): void {
  if (/^pg_/.test(schema) || schema === 'information_schema')
    findings.on(pointer, 'value', {
      code: 'config.schema',
      message: `the schema \`${schema}\` belongs to Postgres`,
      hint: 'Name another one.',
    });
  else if (Buffer.byteLength(schema) > 63)
    findings.on(pointer, 'value', {
      code: 'config.schema',
      message: 'the name of this schema is longer than 63 bytes',
      hint: 'Postgres would cut it off: shorten it.',
    });
  else if (staging && schema === ownSchema)
    findings.on(pointer, 'value', {
      code: 'config.schema',
      message: `the schema \`${ownSchema}\` is the engine's own: the ledger of loads is in it`,
      hint: 'Load into another one, such as `staging`.',
    });
}

/** The lake: a folder, absolute, or a bucket. */
export function readLake(raw: RawConfig, root: string, findings: Findings): LakeConfig {
  const lake = raw.lake ?? {};
  if (lake.type !== 's3') return { type: 'file', path: path(lake.path ?? '', '/lake/path', root, findings) };
  const prefix = (lake.prefix ?? '').replace(/^\/+|\/+$/g, '');
  if (lake.prefix !== undefined && prefix.split('/').some((part) => part === '' || part === '.' || part === '..'))
    findings.on('/lake/prefix', 'value', {
      code: 'config.value',
      message: `\`${lake.prefix}\` is no prefix: a part of it is empty, \`.\` or \`..\``,
      hint: 'Write it such as `production` or `data/lake`.',
    });
  if (lake.bucket?.endsWith('--x-s3') === true)
    findings.on('/lake/bucket', 'value', {
      code: 'config.value',
      message: `\`${lake.bucket}\` is a directory bucket (S3 Express), whose listings have no order`,
      hint: 'Take a general purpose bucket.',
    });
  if (lake.endpoint !== undefined) checkEndpoint(lake.endpoint, findings);
  return {
    type: 's3',
    bucket: lake.bucket ?? '',
    prefix,
    region: lake.region,
    endpoint: lake.endpoint,
    forcePathStyle: lake.forcePathStyle,
    checksums: lake.checksums ?? 'when_supported',
    caFile: lake.caFile === undefined ? undefined : path(lake.caFile, '/lake/caFile', root, findings),
  };
}

/** Says what is wrong with an endpoint without showing it: somebody may have put a secret into it. */
function checkEndpoint(endpoint: string, findings: Findings): void {
  hideUrls(endpoint);
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const form = 'Write `https://host` or `http://host:port`.';
  const tell = (message: string, hint: string): void => findings.on('/lake/endpoint', 'value', { code: 'config.url', message, hint });
  if (url === undefined || !/^https?:$/.test(url.protocol)) tell('the endpoint is no URL that begins with `http://` or `https://`', form);
  else if (url.username !== '' || url.password !== '')
    tell('there are credentials in the endpoint', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment instead.');
  else if ((url.pathname !== '/' && url.pathname !== '') || url.search !== '' || url.hash !== '')
    tell('the endpoint has more than a host and a port', `${form} The bucket goes into \`bucket\`.`);
}

/** Where runs are kept; by default beside the data of the first sink. */
export function readState(raw: RawConfig, sinks: Readonly<Record<string, SinkConfig>>, findings: Findings): StateConfig {
  const state = raw.state ?? {};
  if (state === 'memory') return { type: 'memory' };
  const names = Object.keys(sinks);
  const schema = state.schema ?? ownSchema;
  refuseSchema(schema, '/state/schema', false, findings);
  const { olderThan = '30d', keepRuns = 100 } = state.retention ?? {};
  const retention = { olderThanMs: readDuration(olderThan, '/state/retention/olderThan', findings), keepRuns };
  if (state.url !== undefined) {
    checkUrl(state.url, '/state/url', findings);
    if (state.sink !== undefined)
      findings.on('/state/sink', 'key', {
        code: 'config.both',
        message: '`state` has both `url` and `sink`',
        hint: 'Keep the one whose database is meant.',
      });
    return { type: 'postgres', url: state.url, schema, retention };
  }
  const sink = state.sink === undefined ? names[0] : knownName(findings, 'sink', state.sink, names, '/state/sink');
  if (sink !== undefined && sinks[sink]?.schema === schema && schema !== ownSchema)
    findings.on('/state/schema', 'value', {
      code: 'config.schema',
      message: `\`${schema}\` is the staging schema of sink \`${sink}\``,
      hint: 'Keep the state in a schema of its own; the default is `engine`.',
    });
  return { type: 'sink', sink: sink ?? '', schema, retention };
}

/** The dbt project, which must be one. */
export function readDbt(raw: RawConfig, sinks: readonly string[], root: string, findings: Findings): DbtConfig | undefined {
  if (raw.dbt === undefined) return undefined;
  const project = path(raw.dbt.project ?? 'dbt', '/dbt/project', root, findings);
  if (!findings.spoiled('/dbt/project') && !['dbt_project.yml', 'dbt_project.yaml'].some((file) => existsSync(join(project, file))))
    findings.on('/dbt/project', 'value', {
      code: 'config.dbt-project',
      message: `\`${raw.dbt.project ?? 'dbt'}\` is no dbt project: it has no dbt_project.yml`,
      hint: 'Write the folder of dbt_project.yml, relative to this file, or remove `dbt`.',
    });
  const own = raw.dbt.sink !== undefined || findings.spoiled('/dbt/sink');
  const pointer = own ? '/dbt/sink' : '/defaults/sink';
  const name = own ? raw.dbt.sink : raw.defaults?.sink;
  const sink = chooseName(findings, 'sink', { name, pointer, spoiled: findings.spoiled(pointer) }, sinks, {
    pointer: '/dbt',
    says: '`dbt`',
  });
  const command = raw.dbt.command;
  return {
    project,
    sink: sink ?? '',
    command: command === undefined || !/[/\\]/.test(command) ? command : path(command, '/dbt/command', root, findings),
  };
}

/** What DuckDB may use. */
export function readExtract(raw: RawConfig, root: string, findings: Findings): ExtractConfig {
  const { memory = '256MB', threads = 2, connections = 2, extensionFolder } = raw.extract ?? {};
  const memoryBytes = parseSize(memory) ?? 0;
  if (memoryBytes < 64e6)
    findings.on('/extract/memory', 'value', {
      code: 'config.value',
      message: `\`${memory}\` is too little memory for DuckDB`,
      hint: 'Give it 64MB or more.',
    });
  return {
    memoryBytes,
    threads,
    connections,
    extensionFolder: extensionFolder === undefined ? undefined : path(extensionFolder, '/extract/extensionFolder', root, findings),
  };
}

/** Says what is wrong with a URL without showing it: it may hold a password in any place. */
function checkUrl(url: string, pointer: string, findings: Findings): void {
  if (url === '') {
    if (!findings.spoiled(pointer)) findings.on(pointer, 'value', { code: 'config.url', message: 'the URL is empty', hint: urlForms });
    return;
  }
  hideUrls(url);
  if (url === 'embedded') return;
  if (/^postgres(ql)?:\/\/./.test(url)) {
    for (const pair of url.split('?')[1]?.split('&') ?? [])
      if (/^(ssl)?password=/.test(pair)) keepSecret(decodeURIComponent(pair.slice(pair.indexOf('=') + 1)));
    return;
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  const near = suggest(url, ['embedded']);
  const what =
    scheme === undefined
      ? 'this is no URL of a Postgres server'
      : `a URL that begins with \`${scheme}:\` does not lead to a Postgres server`;
  findings.on(pointer, 'value', { code: 'config.url', message: what, hint: near === undefined ? urlForms : 'Did you mean `embedded`?' });
}

const urlForms = 'Write `embedded`, or `postgres://user@host:5432/database` (`postgresql://` is the same).';

/** An absolute path from one that is relative to the project. */
/** An absolute path of one written in the file, relative to the project. */
export function path(written: string, pointer: string, root: string, findings: Findings): string {
  if (/^~/.test(written))
    findings.on(pointer, 'value', {
      code: 'config.path',
      message: '`~` is known to shells only',
      hint: 'Write the path out, or use `${HOME}`.',
    });
  return resolve(root, written);
}
