import { redact, secretName } from '../base/secret.ts';
import { hideUrls } from './read.ts';
import { createFlow, hidden, plainValue } from './shown-flow.ts';

/** Nobody writes a longer line by hand. Patterns look at no more than this at once: what they need may grow with the square of it. */
const longLine = 2_000;
/**
 * The lines of a pipelines.yaml as they may leave this machine, as many as the text has, whether it can be read or not: without passwords and paths of URLs, values of headers, and whatever stands
 * behind a key that sounds like a secret, in comments too. Variables (`${NAME}`) are shown, their values are not. It hides too much rather than too little, and of a line that is very long all.
 */
export function shownYaml(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const short = lines.filter((line) => line.length <= longLine);
  hideUrls(short.join('\n'));
  const anchored = secretAnchors(short);
  const flow = createFlow(anchored);
  /** The line that opened it: how far in it is, if it has a key. */
  let opener: number | undefined;
  /** Lines that are further in than this belong to a value that is not shown. */
  let within: number | undefined;
  let headers: number | undefined;
  /** Lines that are further in than this are a text. */
  let scalar: number | undefined;
  return lines.map((line) => {
    // A return of its own is the end of a line for some readers of YAML.
    if (line.length > longLine || line.includes('\r')) {
      // What goes on in the next lines is further in.
      within ??= line.length - line.trimStart().length;
      flow.skip(line);
      opener = undefined;
      return hidden;
    }
    const { code, comment } = apart(line);
    const tail = shownComment(comment);
    const indent = code.search(/[^\s]/);
    if (indent === -1) return `${within === undefined && !flow.isOpen() ? code : ''}${tail}`;
    const { lead, quote, key, colon, space, value } = keyOf(code);
    const at = lead.length;
    if (flow.isOpen()) {
      // What is in braces is further in than what they belong to: they were never closed.
      const isOver = opener !== undefined && key !== '' && at <= opener && flow.mayEnd();
      if (!isOver) return `${shownCode(flow.read(code))}${tail}`;
      flow.end();
    }
    // The dashes of a list may be as far in as its key.
    if (within !== undefined && (indent > within || (indent === within && /^-(?:\s|$)/.test(code.slice(indent)))))
      return `${code.slice(0, indent)}${hidden}${tail}`;
    within = undefined;
    if (scalar !== undefined && indent > scalar) return `${shownCode(code)}${tail}`;
    scalar = undefined;
    if (headers !== undefined && indent <= headers) headers = undefined;
    const bare = value.replace(props, '');
    const isSecret = headers !== undefined || secretName.test(key) || (key === 'headers' && bare !== '') || namesAnchor(value, anchored);
    if (key !== '' && isSecret && !plainValue.test(value.trim())) {
      within = at;
      if (/^[{[]/.test(bare)) flow.hide(bare);
      opener = undefined;
      return `${lead}${quote}${key}${quote}${colon}${space}${hidden}${tail}`;
    }
    if (key === '' && (headers !== undefined || /^[?:](?:\s|$)/.test(code.slice(at)) || namesAnchor(code, anchored))) {
      within = at;
      flow.hide(code);
      opener = undefined;
      return `${lead}${hidden}${tail}`;
    }
    if (key !== '' && secretName.test(key) && value === '') within = at;
    if (key === 'headers' && bare === '') headers = at;
    if (/^[|>]/.test(bare)) scalar = at;
    const brace = code.search(/\[|(?<!\$)\{/);
    if (brace === -1) return `${shownCode(code)}${tail}`;
    opener = key === '' ? undefined : at;
    return `${shownCode(code.slice(0, brace) + flow.read(code.slice(brace)))}${tail}`;
  });
}

/** Tag and anchor of a value. */
const props = /^(?:[&!]\S*(?:\s+|$))*/;

/** A line's own text, and its comment with the space before it. */
function apart(line: string): { readonly code: string; readonly comment: string } {
  const begin = line.search(/(?:^|\s)#/);
  return begin === -1 ? { code: line, comment: '' } : { code: line.slice(0, begin), comment: line.slice(begin) };
}

interface Keyed {
  /** What is before the key: it says how far in the line is. */
  readonly lead: string;
  readonly quote: string;
  /** Empty where the line has none. */
  readonly key: string;
  readonly colon: string;
  readonly space: string;
  readonly value: string;
}

/** `key: value` in its parts. */
function keyOf(code: string): Keyed {
  const lead = /^\s*(?:- +)*/.exec(code)?.[0] ?? '';
  const rest = code.slice(lead.length);
  const none = { lead, quote: '', key: '', colon: '', space: '', value: '' };
  const quote = /^["']/.exec(rest)?.[0] ?? '';
  const end = quote === '' ? rest.search(/:(?:\s|$)/) : rest.indexOf(quote, 1);
  if (end <= 0 || (quote === '' && /^[{[]/.test(rest))) return none;
  const key = rest.slice(quote.length, end).trimEnd();
  const after = rest.slice(quote.length + key.length + quote.length);
  const colon = after.length - after.trimStart().length;
  const value = after.slice(colon + 1);
  if (after[colon] !== ':' || (value !== '' && !/^\s/.test(value) && quote === '')) return none;
  const begin = value.length - value.trimStart().length;
  return { lead, quote, key, colon: after.slice(0, colon + 1), space: value.slice(0, begin), value: value.slice(begin) };
}

/** Anchors whose values are used behind a key that sounds like a secret. */
function secretAnchors(lines: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const line of lines)
    for (const alias of line.matchAll(/[:\s]\*([^\s,[\]{}]+)/g))
      if (secretName.test(line.slice(0, alias.index)) && alias[1] !== undefined) found.add(alias[1]);
  return found;
}

function namesAnchor(code: string, anchored: ReadonlySet<string>): boolean {
  if (anchored.size === 0) return false;
  return [...code.matchAll(/(?:^|[\s:,[{])&([^\s,[\]{}]+)/g)].some(([, name]) => name !== undefined && anchored.has(name));
}

/** A secret that stands where only a file that is not well formed has one: behind its key, whatever is around the two. */
const anywhere = new RegExp(
  `((?:${secretName.source})[\\w.-]*["']?\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"|'(?:[^']|'')*'|(?:\\$\\{[^{}]*\\}|[^\\s,{}[\\]])(?:\\$\\{[^{}]*\\}|[^,{}[\\]])*)`,
  'gi',
);

function shownCode(code: string): string {
  const inner = code.replace(anywhere, (all, key: string, value: string) =>
    plainValue.test(value.trim()) || value.startsWith(hidden) ? all : `${key}${hidden}`,
  );
  return redact(withoutPaths(inner));
}

/** Nobody keeps comments for the engine, so what was once a value may stand there. */
function shownComment(comment: string): string {
  const bare = comment
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s'"]+/gi, `$1${hidden}`)
    .replace(
      new RegExp(`(["']?)([\\w.-]*(?:${secretName.source})[\\w.-]*)\\1(\\s*[:=]\\s*)(\\S.*)$`, 'i'),
      (all, quote, key, colon, value) => (plainValue.test(String(value).trim()) ? String(all) : `${quote}${key}${quote}${colon}${hidden}`),
    );
  return redact(bare);
}

/** Of an address of the web no more than its host: what follows may be what lets one in. */
function withoutPaths(code: string): string {
  return code.replace(/\b(https?:\/\/(?:[^\s'"/@]*@)?[^\s'"/?#,}]+)([/?#][^\s'",}]+)/gi, (_all, host: string, path: string) =>
    path === '/' || path.startsWith('/$' + '{') ? `${host}${path}` : `${host}/${hidden}`,
  );
}
