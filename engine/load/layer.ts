import { suggest } from '../base/suggest.ts';
import { below, type Findings } from './findings.ts';
import type { List } from './raw.ts';

/** A block with `defaults` behind it: its own keys win, `null` included. */
export interface Layer<T> {
  get<K extends keyof T & string>(key: K): T[K] | undefined;
  /** Where that key's value stands: in the block, else in the defaults, else where it would stand in the block. */
  pointer(key: keyof T & string): string;
  /** True when the block itself has the key. */
  own(key: keyof T & string): boolean;
  /** True when the value there is known to be wrong already. */
  spoiled(key: keyof T & string): boolean;
}

export interface Placed<T> {
  readonly value: T | null | undefined;
  readonly pointer: string;
}

/** The first of the blocks that has a key answers for it. */
export function layered<T extends object>(findings: Findings, own: Placed<T>, behind: Placed<T>): Layer<T> {
  const holds = (layer: Placed<T>, key: string): boolean =>
    findings.spoiled(below(layer.pointer, key)) ||
    (layer.value !== undefined && layer.value !== null && Object.hasOwn(layer.value, key) && layer.value[key as keyof T] !== undefined);
  const of = (key: string): Placed<T> => (holds(own, key) || !holds(behind, key) ? own : behind);
  return {
    get: (key) => {
      const layer = of(key);
      return layer.value !== undefined && layer.value !== null && Object.hasOwn(layer.value, key) ? layer.value[key] : undefined;
    },
    pointer: (key) => below(of(key).pointer, key),
    own: (key) => holds(own, key),
    spoiled: (key) => findings.spoiled(below(of(key).pointer, key)),
  };
}

/** A list without the items that were wrong. */
export function items<T>(list: List<T> | undefined): readonly T[] {
  return (list ?? []).filter((item): item is T => item !== undefined);
}

/** The name if there is such a one; else a finding that lists or suggests those there are, and undefined. */
export function knownName(
  findings: Findings,
  kind: 'source' | 'sink',
  name: string,
  names: readonly string[],
  pointer: string,
): string | undefined {
  if (names.includes(name)) return name;
  if (names.length === 0) return undefined;
  const near = suggest(name, names);
  findings.on(pointer, 'value', {
    code: 'config.unknown-name',
    message: `there is no ${kind} \`${name}\``,
    hint: near === undefined ? `Under \`${kind}s:\` there are: ${names.join(', ')}.` : `Did you mean \`${near}\`?`,
  });
  return undefined;
}

/** A source or sink by name or, where none is named, the only one; a finding at `owner` when that is not clear. */
export function chooseName(
  findings: Findings,
  kind: 'source' | 'sink',
  named: { readonly name: string | undefined; readonly pointer: string; readonly spoiled: boolean },
  names: readonly string[],
  owner: { readonly pointer: string; readonly says: string },
): string | undefined {
  if (named.spoiled) return undefined;
  if (named.name !== undefined) return knownName(findings, kind, named.name, names, named.pointer);
  if (names.length <= 1) return names[0];
  findings.on(owner.pointer, 'key', {
    code: 'config.missing',
    message: `${owner.says} does not say its ${kind}, and there are ${names.length}`,
    hint: `Write \`${kind}: ${names[0]}\` here or under \`defaults:\`. There are: ${names.join(', ')}.`,
  });
  return undefined;
}

/** `section`: where they stand, such as `pipelines` or `alerts/channels`. Two names that differ only by case are told apart neither by people nor by every file system. */
export function refuseCaseTwins(findings: Findings, section: string, names: readonly string[]): void {
  const first = new Map<string, string>();
  for (const name of names) {
    const twin = first.get(name.toLowerCase());
    if (twin === undefined) first.set(name.toLowerCase(), name);
    else
      findings.on(below('', ...section.split('/'), name), 'key', {
        code: 'config.case',
        message: `\`${name}\` and \`${twin}\` differ only by case`,
        hint: 'Give one of them another name.',
      });
  }
}

/** A name that is typed on command lines and shown in lists. */
export function refuseOddName(findings: Findings, section: string, name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(name)) return;
  findings.on(below('', ...section.split('/'), name), 'key', {
    code: 'config.name',
    message: `\`${name}\` cannot be the name of a ${section.split('/').at(-1)?.slice(0, -1)}`,
    hint: 'A name has letters, digits, `_`, `-` and `.`, begins with a letter or digit, and has at most 100 characters.',
  });
}
