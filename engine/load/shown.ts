import { redact, secretName } from '../base/secret.ts';
import { hideUrls } from './read.ts';

const hidden = '***';
/** Nobody writes a longer line by hand. Patterns look at no more than this at once: what they need may grow with the square of it. */
const longLine = 2_000;
/** A value that says nothing: a switch, or nothing but variables. */
const plainValue = /^(?:true|false|null|~|off|\d+|(["']?)(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+\1)?$/;

/**
 * The lines of a pipelines.yaml as they may leave this machine, as many as the text has, whether it can be read or not: without passwords and paths of URLs, values of headers, and whatever stands
 * behind a key that sounds like a secret, in comments too. Variables (`${NAME}`) are shown, their values are not. It hides too much rather than too little, and of a line that is very long all.
 */
export function shownYaml(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const short = lines.filter((line) => line.length <= longLine);
  hideUrls(short.join('\n'));
  const anchored = secretAnchors(short);
  /** Lines that are further in than this belong to a value that is not shown. */
  let within: number | undefined;
  let headers: number | undefined;
  let depth = 0;
  return lines.map((line) => {
    // A return of its own is the end of a line for some readers of YAML.
    if (line.length > longLine || line.includes('\r')) {
      // What goes on in the next lines is further in.
      within ??= line.length - line.trimStart().length;
      depth = Math.max(0, depth + braces(line));
      return hidden;
    }
    const { code, comment } = apart(line);
    const tail = shownComment(comment);
    const indent = code.search(/[^\s]/);
    if (depth > 0) {
      depth += braces(code);
      return `${code.slice(0, Math.max(indent, 0))}${indent === -1 ? '' : hidden}${tail}`;
    }
    if (indent === -1) return `${within === undefined ? code : ''}${tail}`;
    // The dashes of a list may be as far in as its key.
    if (within !== undefined && (indent > within || (indent === within && /^-(?:\s|$)/.test(code.slice(indent)))))
      return `${code.slice(0, indent)}${hidden}${tail}`;
    within = undefined;
    if (headers !== undefined && indent <= headers) headers = undefined;
    const { lead, quote, key, colon, space, value } = keyOf(code);
    const at = lead.length;
    const isSecret = headers !== undefined || secretName.test(key) || namesAnchor(value, anchored);
    if (key !== '' && isSecret && !plainValue.test(value.trim())) {
      within = at;
      depth = Math.max(0, braces(value));
      return `${lead}${quote}${key}${quote}${colon}${space}${hidden}${tail}`;
    }
    if (key === '' && (headers !== undefined || /^[?:](?:\s|$)/.test(code.slice(at)) || namesAnchor(code, anchored))) {
      within = at;
      depth = Math.max(0, braces(code));
      return `${lead}${hidden}${tail}`;
    }
    if (key !== '' && secretName.test(key) && value === '') within = at;
    if (key === 'headers' && /^(?:[&!]\S*\s*)*$/.test(value)) headers = at;
    const flow = withoutHeaders(code);
    depth = flow.open;
    return `${shownCode(flow.code)}${tail}`;
  });
}

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

/** How many braces and brackets stay open. */
function braces(code: string): number {
  const plain = code.replace(/\$\{[^{}]*\}/g, '');
  return (plain.match(/[{[]/g) ?? []).length - (plain.match(/[}\]]/g) ?? []).length;
}

/** `headers: { ... }` without what is between the braces; `open`: how many of them are not closed in this line. */
function withoutHeaders(code: string): { readonly code: string; readonly open: number } {
  const found = /\bheaders["']?\s*:\s*\{/.exec(code);
  if (found === null) return { code, open: 0 };
  const begin = found.index + found[0].length;
  let open = 1;
  let end = begin;
  for (; end < code.length && open > 0; end += 1) open += code[end] === '{' ? 1 : code[end] === '}' ? -1 : 0;
  const rest = withoutHeaders(code.slice(end));
  return { code: `${code.slice(0, begin)} ${hidden}${open > 0 ? '' : ` }${rest.code}`}`, open: open > 0 ? open : rest.open };
}

const inFlow = /(["']?)([\w.-]+)\1(\s*:\s*)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\{[^{}]*\}|[^\s,{}[\]][^,{}[\]]*)/g;

function shownCode(code: string): string {
  const flow = /[{[]/.test(code.replace(/\$\{[^{}]*\}/g, ''));
  const inner = flow
    ? code.replace(inFlow, (all, quote: string, key: string, colon: string, value: string) =>
        secretName.test(key) && !plainValue.test(value.trim()) ? `${quote}${key}${quote}${colon}${hidden}` : all,
      )
    : code;
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
