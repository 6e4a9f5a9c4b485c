import type { Alias, Document, Node, Pair, YAMLMap } from 'yaml';
import { keepSecret } from '../base/secret.ts';
import { below, createFindings, type Findings, type Place, type Span } from './findings.ts';
import { syntaxFinding } from './syntax.ts';

/** A YAML file as plain data, with the place of everything in it by JSON pointer. */
export interface Reading {
  /** undefined when nothing can be read from the file. */
  readonly data: unknown;
  readonly places: ReadonlyMap<string, Place>;
  readonly findings: Findings;
}

/** More than any real file has; a few lines of aliases of aliases can make billions. */
const maxValues = 100_000;

/** Reads YAML 1.2 (aliases and merge keys `<<` too). What is wrong with the YAML itself is in the findings; duplicate keys do not stop the reading. */
export async function readYaml(file: string, text: string): Promise<Reading> {
  const { parseAllDocuments, isAlias, isMap, isScalar, isSeq } = await import('yaml');
  hideUrls(text);
  const places = new Map<string, Place>();
  const findings = createFindings(file, text, places);
  const documents = parseAllDocuments(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent', merge: false });
  const empty = (): Reading => ({ data: undefined, places, findings });
  const doc: Document | undefined = 'empty' in documents ? undefined : documents[0];
  const second = 'empty' in documents ? undefined : documents[1];

  for (const error of doc?.errors ?? []) {
    const finding = syntaxFinding(error.code, error.message, text, error.pos);
    findings.at(finding.span, finding);
    if (finding.confuses) break;
  }
  for (const warning of doc?.warnings ?? []) findings.at(warning.pos, syntaxFinding(warning.code, warning.message, text, warning.pos));
  if (findings.count > 0) return empty();
  if (second !== undefined) {
    const start = second.range[0];
    const dashes = text.lastIndexOf('---', start);
    findings.at(dashes === -1 ? [start, start] : [dashes, dashes + 3], {
      code: 'config.syntax',
      message: 'a second YAML document begins here',
      hint: 'Put everything into one document: remove the line `---`.',
    });
    return empty();
  }
  if (doc === undefined || doc.contents === null || (isScalar(doc.contents) && doc.contents.value === null)) {
    findings.at([0, 0], {
      code: 'config.empty',
      message: 'the file is empty',
      hint: 'Start with `engine init`, which writes a file that runs as it is.',
    });
    return empty();
  }
  if (!isMap(doc.contents)) {
    const what = isSeq(doc.contents) ? 'a list' : 'a single value';
    findings.at(spanOfNode(doc.contents, [0, 0]), {
      code: 'config.syntax',
      message: `the file is ${what}; it takes keys and values`,
      hint: 'It begins with `version: 1`, then `sources:`, `lake:`, `sinks:`, `tables:` and `pipelines:`.',
    });
    return empty();
  }

  let values = 0;
  const open = new Set<Node>();

  function resolveAlias(alias: Alias): Node | undefined {
    const target = alias.resolve(doc as Document);
    if (target !== undefined && !open.has(target)) return target;
    findings.at(spanOfNode(alias, [0, 0]), {
      code: 'config.alias',
      message: target === undefined ? `there is no anchor \`&${alias.source}\`` : `the alias \`*${alias.source}\` holds itself`,
      hint: 'An alias `*name` repeats what an anchor `&name` above it marks.',
    });
    return undefined;
  }

  function plain(node: unknown, pointer: string, key: Span | undefined, place?: Span): unknown {
    const target = isAlias(node) ? resolveAlias(node) : (node as Node | null);
    if (target === undefined) {
      findings.spoil(pointer);
      return undefined;
    }
    const span = place ?? (isAlias(node) ? spanOfNode(node, key ?? [0, 0]) : spanOfNode(target, key ?? [0, 0]));
    if (!places.has(pointer)) places.set(pointer, { key, value: span });
    values += 1;
    if (target === null || values > maxValues) return null;
    if (isScalar(target)) return target.value;
    open.add(target);
    let made: unknown = null;
    if (isSeq(target)) made = target.items.map((item, i) => plain(item, below(pointer, i), undefined));
    else if (isMap(target)) made = Object.fromEntries(entries(target, pointer));
    open.delete(target);
    return made;
  }

  /** A map's own keys first, then what `<<` brings for keys that it does not have. */
  function entries(map: YAMLMap, pointer: string): Map<string, unknown> {
    const own = new Map<string, unknown>();
    const lines = new Map<string, Span>();
    const merged: Pair[] = [];
    for (const pair of map.items) {
      const span = spanOfNode(pair.key, [0, 0]);
      if (!isScalar(pair.key) || pair.key.value === null || typeof pair.key.value === 'object') {
        findings.spoil(pointer);
        findings.at(span, {
          code: 'config.syntax',
          message: 'a key is a word or a text',
          hint: `Values with \`\${NAME}\`, and texts that begin with { or [, go in quotes.`,
        });
        continue;
      }
      const key = String(pair.key.value);
      if (key === '<<' && pair.key.type === 'PLAIN') {
        merged.push(pair);
        continue;
      }
      const first = lines.get(key);
      if (first !== undefined) {
        findings.at(span, {
          code: 'config.duplicate-key',
          message: `the key \`${key}\` is there twice; the first one is in line ${text.slice(0, first[0]).split('\n').length}`,
          hint: 'Remove one of them, or give it another name.',
        });
        continue;
      }
      if (key === '__proto__' || key.includes('${')) {
        findings.spoil(pointer);
        findings.at(span, {
          code: 'config.name',
          message: `\`${key}\` cannot be a key`,
          hint: 'Keys are written out; only values may come from the environment.',
        });
        continue;
      }
      lines.set(key, span);
      const value = plain(pair.value, below(pointer, key), span);
      if (value !== undefined) own.set(key, value);
    }
    for (const pair of merged) for (const [key, value] of mergedEntries(pair, pointer, own)) own.set(key, value);
    return own;
  }

  function mergedEntries(pair: Pair, pointer: string, own: ReadonlyMap<string, unknown>): Map<string, unknown> {
    const brought = new Map<string, unknown>();
    const wanted = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const item of wanted) {
      const target = isAlias(item) ? resolveAlias(item) : item;
      if (target === undefined) continue;
      if (!isMap(target)) {
        findings.at(spanOfNode(item, spanOfNode(pair.key, [0, 0])), {
          code: 'config.alias',
          message: '`<<` takes keys and values',
          hint: 'Write `<<: *name`, where `&name` marks keys and values.',
        });
        continue;
      }
      open.add(target);
      for (const inner of target.items) {
        const key = isScalar(inner.key) ? String(inner.key.value) : undefined;
        if (key === undefined || own.has(key) || brought.has(key) || key === '<<') continue;
        brought.set(key, plain(inner.value, below(pointer, key), spanOfNode(inner.key, [0, 0])));
      }
      for (const inner of target.items)
        if (isScalar(inner.key) && inner.key.value === '<<')
          for (const [key, value] of mergedEntries(inner, pointer, new Map([...own, ...brought]))) brought.set(key, value);
      open.delete(target);
    }
    return brought;
  }

  const data = plain(doc.contents, '', undefined);
  if (values > maxValues) {
    findings.at([0, 0], {
      code: 'config.too-big',
      message: `the file holds more than ${maxValues} values`,
      hint: 'Are there aliases of aliases in it?',
    });
    return empty();
  }
  return { data, places, findings };
}

function spanOfNode(node: unknown, otherwise: Span): Span {
  const range = (node as { readonly range?: readonly [number, number, number] | null } | null)?.range;
  if (range === undefined || range === null) return otherwise;
  return range[0] === range[1] && otherwise[1] > otherwise[0] ? otherwise : [range[0], range[1]];
}

/** Whatever stands before the last `@` of something that looks like a URL, its path where that may be a token, and what is behind `password=` or `Authorization:` is never shown: not even in the line of a finding. */
export function hideUrls(yaml: string): void {
  const text = yaml.replace(/(^|\s)#.*$/gm, '');
  for (const url of text.matchAll(/[a-z0-9+.-]:\/\/([^\s'"]+)/gi)) for (const password of urlPasswords(url[1] ?? '')) keepSecret(password);
  for (const url of text.matchAll(/\bhttps?:\/\/[^\s'"/]+(\/[^\s'",{}]{8,})/gi)) keepSecret(url[1]);
  for (const header of text.matchAll(/\bauthorization["']?\s*:\s*(?:'([^']*)'|"([^"]*)"|([^\s,}]+(?: [^\s,}]+)?))/gi)) {
    const value = header[1] ?? header[2] ?? header[3] ?? '';
    if (!value.includes('${')) keepSecret(value.split(' ').at(-1));
  }
  for (const pair of text.matchAll(/passw(?:or)?d["']?\s*[=:]\s*('[^']*'|"[^"]*"|[^\s&'",}]+)/gi)) {
    const password = pair[1]?.replace(/^(['"])(.*)\1$/, '$2');
    if (password !== undefined && !password.startsWith('${') && !saidOfColumns.has(password)) keepSecret(password);
  }
}

/** What is said of a column that is named `password`: hidden as a secret, these words would be hidden wherever they are. */
const saidOfColumns: ReadonlySet<string> = new Set(['hash', 'redact', 'null', 'plain', '~', 'string', 'true', 'false']);

/** All that may be the password in what follows `scheme://`, for odd characters leave a choice. */
function urlPasswords(rest: string): readonly string[] {
  const ends = new Set([rest.lastIndexOf('@'), rest.split(/[/?]/)[0]?.lastIndexOf('@') ?? -1]);
  const found: string[] = [];
  for (const end of ends) {
    const colon = rest.indexOf(':');
    if (end <= 0 || colon === -1 || colon > end) continue;
    const password = rest.slice(colon + 1, end);
    if (password.startsWith('${') && password.endsWith('}')) continue;
    found.push(password);
    try {
      found.push(decodeURIComponent(password));
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
    }
  }
  return found;
}
