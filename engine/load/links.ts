import { linkFields, namedIn } from '../base/link.ts';
import { suggest } from '../base/suggest.ts';
import type { DaemonConfig } from '../config.ts';
import { below, type Findings } from './findings.ts';
import type { RawConfig } from './raw.ts';

const example = 'https://jaeger.example.com/trace/{traceId}';

/** Links of a run's page; a finding for each that no browser would open, or that names what a run has not. */
export function readLinks(raw: RawConfig, findings: Findings): DaemonConfig['links'] {
  const links = Object.entries(raw.daemon?.links ?? {}).flatMap(([name, url]) => (url === undefined ? [] : [{ name, url }]));
  for (const { name, url } of links) {
    const pointer = below('/daemon/links', name);
    const refuse = (message: string, hint: string): void => findings.on(pointer, 'value', { code: 'config.value', message, hint });
    const unknown = namedIn(url).find((field) => !linkFields.some((known) => known === field));
    if (unknown !== undefined) {
      const near = suggest(unknown, linkFields);
      refuse(
        `a run has no \`{${unknown}}\``,
        near === undefined ? `It has ${linkFields.map((field) => `\`{${field}}\``).join(', ')}.` : `Did you mean \`{${near}}\`?`,
      );
    } else if (!isWebPage(url)) refuse(`the link \`${name}\` is no http or https URL`, `For example: \`${example}\`.`);
  }
  return links;
}

function isWebPage(template: string): boolean {
  const text = template.replace(/\{\w+\}/g, 'x');
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
