import { redact } from '../base/secret.ts';
import type { Diagnostic } from '../config.ts';

/** Part of the file's text: offsets of its first character and of the one behind its last. */
export type Span = readonly [from: number, to: number];

/** Where a value of the file is, and its key where it has one. */
export interface Place {
  readonly key: Span | undefined;
  readonly value: Span;
}

/** What a finding says; `code` is stable and begins with `config.`. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Collects the findings of one file; each is told once. */
export interface Findings {
  /** At a place in the text. */
  at(span: Span, finding: Finding): void;
  /** At the key or the value that a JSON pointer names, or at the nearest that exists around it. */
  on(pointer: string, part: 'key' | 'value', finding: Finding): void;
  /** At a part of the text that a pointer names: so many characters from its beginning; the whole where it is not written like that (escapes, variables). */
  within(pointer: string, written: string, part: Span, finding: Finding): void;
  /** True when the value there is known to be wrong, so that nothing further is said about it. */
  spoiled(pointer: string): boolean;
  /** Marks it as known to be wrong. */
  spoil(pointer: string): void;
  readonly count: number;
  /** Sorted by place. */
  list(): readonly Diagnostic[];
}

/** Findings of `text`, the content of `file`; `places` is asked when a finding is added. */
export function createFindings(file: string, text: string, places: ReadonlyMap<string, Place>): Findings {
  const found = new Map<string, Diagnostic>();
  const spoiledPointers = new Set<string>();
  const starts = lineStarts(text);

  function at(span: Span, finding: Finding): void {
    const from = Math.min(Math.max(0, span[0]), text.length);
    const row = lineOf(starts, from);
    const begin = starts[row] ?? 0;
    const line = text.slice(begin, starts[row + 1] ?? text.length).replace(/\r?\n$/, '');
    const to = Math.max(from, Math.min(span[1], begin + line.length));
    const hidden = redact(line) !== line;
    const column = hidden ? redact(line.slice(0, from - begin)).length + 1 : from - begin + 1;
    const length = Math.max(1, hidden ? redact(text.slice(from, to)).length : to - from);
    const diagnostic: Diagnostic = {
      severity: 'error',
      code: finding.code,
      message: redact(finding.message),
      ...(finding.hint === undefined ? {} : { hint: redact(finding.hint) }),
      file,
      line: row + 1,
      column,
      length,
      text: redact(line),
    };
    const same = `${from} ${finding.code} ${finding.message}`;
    if (!found.has(same)) found.set(same, diagnostic);
  }

  return {
    at,
    on(pointer, part, finding) {
      at(spanOf(places, pointer, part), finding);
    },
    within(pointer, written, part, finding) {
      const span = spanOf(places, pointer, 'value');
      const offset = text.slice(span[0], span[1]).indexOf(written);
      at(offset === -1 ? span : [span[0] + offset + part[0], span[0] + offset + part[1]], finding);
    },
    spoiled: (pointer) => spoiledPointers.has(pointer),
    spoil(pointer) {
      spoiledPointers.add(pointer);
    },
    get count() {
      return found.size;
    },
    list: () => [...found.values()].sort((a, b) => a.line - b.line || a.column - b.column),
  };
}

/** A JSON pointer (RFC 6901) one step deeper. */
export function below(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((p, key) => `${p}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`, pointer);
}

/** The steps of a JSON pointer. */
export function pointerSteps(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function spanOf(places: ReadonlyMap<string, Place>, pointer: string, part: 'key' | 'value'): Span {
  for (let p = pointer; p !== ''; p = p.slice(0, p.lastIndexOf('/'))) {
    const place = places.get(p);
    if (place === undefined) continue;
    return part === 'key' || p !== pointer ? (place.key ?? place.value) : place.value;
  }
  return [0, 0];
}

/** Offsets at which the lines of a text begin. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

/** The line of an offset, counted from 0. */
export function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
