import { percentDecoded } from '../base/percent.ts';
import { keepHeader, keepSecret } from '../base/secret.ts';
import { suggest } from '../base/suggest.ts';
import type { AlertsConfig, ChannelConfig } from '../config.ts';
import { readDuration } from './duration.ts';
import { below, type Findings } from './findings.ts';
import { items, refuseCaseTwins, refuseOddName } from './layer.ts';
import type { RawChannel, RawConfig } from './raw.ts';

/** In the place of a URL: nothing is sent there. */
const off = 'off';
const shortestHeartbeatMs = 10_000;

/** Where alarms go. URLs, and headers that let one in, are secrets from then on. */
export function readAlerts(raw: RawConfig, findings: Findings): AlertsConfig {
  const written = raw.alerts?.channels ?? {};
  const names = Object.keys(written);
  refuseCaseTwins(findings, 'alerts/channels', names);
  const channels: [string, ChannelConfig][] = [];
  const silenced: string[] = [];
  for (const name of names) {
    refuseOddName(findings, 'alerts/channels', name);
    const channel = written[name] ?? {};
    if ((channel.type === 'email' ? channel.smtp : channel.url) === off) silenced.push(name);
    else channels.push([name, readChannel(name, channel, below('/alerts/channels', name), findings)]);
  }
  return { channels: Object.fromEntries(channels), off: silenced, heartbeat: readHeartbeat(raw, findings) };
}

/** The channels among these names that something can be sent to; a finding for each that is not there. */
export function knownChannels(
  named: readonly (string | undefined)[],
  pointer: string,
  raw: RawConfig,
  findings: Findings,
): readonly string[] {
  const names = Object.keys(raw.alerts?.channels ?? {});
  for (const [i, name] of named.entries()) {
    if (name === undefined || names.includes(name) || findings.spoiled('/alerts') || findings.spoiled('/alerts/channels')) continue;
    if (findings.spoiled(below('/alerts/channels', name))) continue;
    const near = suggest(name, names);
    findings.on(below(pointer, i), 'value', {
      code: 'config.unknown-name',
      message: `there is no channel \`${name}\``,
      hint:
        names.length === 0
          ? `Add it at the top of the file: \`alerts: { channels: { ${name}: { type: slack, url: \${SLACK_WEBHOOK_URL} } } }\`.`
          : near === undefined
            ? `Under \`alerts: { channels }\` there are: ${names.join(', ')}.`
            : `Did you mean \`${near}\`?`,
    });
  }
  return items(named);
}

function readChannel(name: string, raw: RawChannel, pointer: string, findings: Findings): ChannelConfig {
  const url = raw.url ?? '';
  switch (raw.type) {
    case 'email': {
      const to = typeof raw.to === 'string' ? [raw.to] : items(raw.to);
      const smtp = raw.smtp ?? '';
      checkSmtp(smtp, below(pointer, 'smtp'), findings);
      if (raw.from !== undefined) checkAddress(raw.from, below(pointer, 'from'), findings);
      for (const [i, address] of to.entries())
        checkAddress(address, typeof raw.to === 'string' ? below(pointer, 'to') : below(pointer, 'to', i), findings);
      return { type: 'email', name, smtp, from: raw.from ?? '', to };
    }
    case 'slack':
      checkUrl(url, below(pointer, 'url'), findings);
      return { type: 'slack', name, url };
    default:
      checkUrl(url, below(pointer, 'url'), findings);
      return { type: 'webhook', name, url, headers: readHeaders(raw, below(pointer, 'headers'), findings) };
  }
}

function readHeartbeat(raw: RawConfig, findings: Findings): AlertsConfig['heartbeat'] {
  const heartbeat = raw.alerts?.heartbeat;
  if (heartbeat?.url === undefined || heartbeat.url === off) return undefined;
  checkUrl(heartbeat.url, '/alerts/heartbeat/url', findings);
  const everyMs = readDuration(heartbeat.every ?? '1m', '/alerts/heartbeat/every', findings);
  if (everyMs < shortestHeartbeatMs && !findings.spoiled('/alerts/heartbeat/every'))
    findings.on('/alerts/heartbeat/every', 'value', {
      code: 'config.value',
      message: `\`${heartbeat.every}\` is less than 10 s`,
      hint: 'Write 10s or more; such services count in minutes.',
    });
  return { url: heartbeat.url, everyMs };
}

/** Says what is wrong without showing it: the path of such a URL is what lets one in. */
function checkUrl(url: string, pointer: string, findings: Findings): void {
  if (url === '') return;
  keepSecret(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined) keepSecret(percentDecoded(parsed.password));
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '') return;
  const inside = parsed !== undefined && /^https?:$/.test(parsed.protocol);
  findings.on(pointer, 'value', {
    code: 'config.url',
    message: inside ? 'there is a user or a password in the URL' : 'this is no URL that begins with `https://` or `http://`',
    hint: inside
      ? 'Send it as a header of a webhook: `headers: { Authorization: "Basic ${TOKEN}" }`.'
      : 'Write the URL out, or `off` to send nothing there (`${URL:-off}`).',
  });
}

function checkSmtp(smtp: string, pointer: string, findings: Findings): void {
  if (smtp === '') return;
  keepSecret(smtp);
  const url = URL.canParse(smtp) ? new URL(smtp) : undefined;
  const form =
    'Write `smtps://user:password@host` or `smtp://user:password@host:587`, or `off`; odd characters of a password are percent-encoded.';
  const tell = (message: string): void => findings.on(pointer, 'value', { code: 'config.url', message, hint: form });
  if (url === undefined || !/^smtps?:$/.test(url.protocol) || url.hostname === '') tell('this is no URL of an SMTP server');
  else if (url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/'))
    tell('the URL of the SMTP server has more than a user, a password, a host and a port');
  else if (percentDecoded(url.password) === undefined || percentDecoded(url.username) === undefined)
    tell('the user or the password in the URL of the SMTP server is not percent-encoded');
  else {
    keepSecret(url.password);
    keepSecret(percentDecoded(url.password));
  }
}

function checkAddress(address: string, pointer: string, findings: Findings): void {
  const plain = /^[^<>]*<([^<>]+)>$/.exec(address)?.[1] ?? address;
  if (/^[^\s@<>,;]+@[^\s@<>,;]+$/.test(plain) && !/\p{Cc}/u.test(address)) return;
  findings.on(pointer, 'value', {
    code: 'config.value',
    message: `\`${address}\` is no e-mail address`,
    hint: 'Write `name@example.com`, or `Name <name@example.com>`; several as a list.',
  });
}

function readHeaders(raw: RawChannel, pointer: string, findings: Findings): Readonly<Record<string, string>> {
  const headers = Object.entries(raw.headers ?? {});
  for (const [name, value] of headers) {
    keepHeader(name, value);
    const wrong = !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
      ? 'is no name of a header'
      : /[^\t\x20-\x7e\x80-\xff]/.test(value)
        ? 'has a value that a header cannot carry'
        : own.has(name.toLowerCase())
          ? 'is set by the engine itself'
          : undefined;
    if (wrong !== undefined)
      findings.on(below(pointer, name), 'key', {
        code: 'config.value',
        message: `\`${name}\` ${wrong}`,
        hint: 'Correct it, or remove it.',
      });
  }
  return Object.fromEntries(headers);
}

const own = new Set(['host', 'content-length', 'content-type', 'connection', 'transfer-encoding', 'idempotency-key']);
