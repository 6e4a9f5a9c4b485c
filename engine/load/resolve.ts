import { suggest } from '../base/suggest.ts';
import type { Environment } from './environment.ts';
import { below, type Findings, type Place } from './findings.ts';

export interface Resolved {
  readonly data: unknown;
  /** Pointers of values that came out of the environment. */
  readonly fromEnvironment: ReadonlySet<string>;
}

const form = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?:(:-)([^}]*))?\}|[^}\n]*\}?)/g;

/** Puts the environment into every text: `${NAME}`, `${NAME:-default}` (also when NAME is empty), `$${` for a plain `${`. A missing variable is a finding at its place. */
export function resolveVariables(
  data: unknown,
  text: string,
  places: ReadonlyMap<string, Place>,
  env: Environment,
  findings: Findings,
): Resolved {
  const fromEnvironment = new Set<string>();

  function missing(pointer: string, written: string, finding: { code: string; message: string; hint: string }): void {
    const span = places.get(pointer)?.value ?? [0, 0];
    const offset = text.slice(span[0], span[1]).indexOf(written);
    findings.at(offset === -1 ? span : [span[0] + offset, span[0] + offset + written.length], finding);
    findings.spoil(pointer);
  }

  function walk(value: unknown, pointer: string): unknown {
    if (Array.isArray(value)) return value.map((item, i) => walk(item, below(pointer, i)));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, below(pointer, key))]));
    if (typeof value !== 'string' || !value.includes('${')) return value;
    const made = value.replace(form, (written: string, name?: string, hasDefault?: string, otherwise?: string) => {
      if (written === '$${') return '${';
      if (name === undefined || otherwise?.includes('${') === true) {
        missing(pointer, written, {
          code: 'config.variable',
          message: `\`${written}\` is no variable`,
          hint: 'Write `${NAME}` or `${NAME:-default}`, with no other variable inside; `$${` stands for a plain `${`.',
        });
        return '';
      }
      fromEnvironment.add(pointer);
      const there = env[name];
      if (there !== undefined && (there !== '' || hasDefault === undefined)) return there;
      if (hasDefault !== undefined) return otherwise ?? '';
      const near = suggest(
        name,
        Object.keys(env).filter((key) => /^[A-Z][A-Z0-9_]+$/.test(key)),
      );
      missing(pointer, written, {
        code: 'config.variable',
        message: `the environment has no \`${name}\``,
        hint: `${near === undefined ? '' : `Did you mean \`${near}\`? `}Set it, write it into \`.env\` beside this file, or give a default: \`\${${name}:-...}\`.`,
      });
      return '';
    });
    return made;
  }

  return { data: walk(data, ''), fromEnvironment };
}
