import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enrich } from '../../../engine/load/enrich.ts';
import type { createFindings } from '../../../engine/load/findings.ts';
import type { RawConfig } from '../../../engine/load/raw.ts';
import { readYaml } from '../../../engine/load/read.ts';
import { resolveVariables } from '../../../engine/load/resolve.ts';
import { validateShape } from '../../../engine/load/validate.ts';
import { suite } from '../../support/suite.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/valid');
const seed = Number(process.env.TEST_SEED ?? 20260131);

/** Mulberry32: the same numbers for the same seed. */
function numbers(from: number): () => number {
  let a = from;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function findingsOf(text: string): Promise<ReturnType<typeof createFindings>> {
  const file = join(fixtures, 'mutated.yaml');
  const { data, places, findings } = await readYaml(file, text);
  if (data === undefined) return findings;
  const resolved = resolveVariables(data, text, places, { SOURCE_URL: 'embedded', THREADS: '2' }, findings);
  enrich((await validateShape(resolved.data, resolved.fromEnvironment, findings)) as RawConfig, file, findings);
  return findings;
}

suite(`damaged files (seed ${seed})`, (s) => {
  for (const name of ['sample', 'everything', 'anchors'])
    s.test(
      `${name}.yaml with any part cut out, doubled or replaced is judged without a failure, each finding at a place that exists`,
      async () => {
        const text = readFileSync(join(fixtures, `${name}.yaml`), 'utf8');
        const random = numbers(seed);
        const pieces = ['[]', '{}', '"', ': ', '\t', '- ', '5', 'null', '${', '*x', '&x ', '<<: ', '\n', '#', 'true', '~', '%', '\u2028'];
        let wrong = 0;
        for (let i = 0; i < 250; i += 1) {
          const from = Math.floor(random() * text.length);
          const to = Math.min(text.length, from + Math.floor(random() * 12));
          const piece = pieces[Math.floor(random() * pieces.length)] ?? '';
          const damaged =
            text.slice(0, from) + (random() < 0.3 ? text.slice(from, to).repeat(2) : random() < 0.5 ? piece : '') + text.slice(to);
          const lines = damaged.split('\n');
          const found = (await findingsOf(damaged)).list();
          if (found.length > 0) wrong += 1;
          for (const d of found) {
            assert.ok(d.line >= 1 && d.line <= lines.length, `${d.message} in line ${d.line} of ${lines.length}`);
            assert.ok(d.column >= 1 && d.column <= (lines[d.line - 1] ?? '').length + 1, d.message);
            assert.ok(d.length >= 1 && d.hint !== undefined, `${d.message} has a hint`);
            assert.not.match(`${d.message} ${d.hint}`, /\bundefined\b|\[object|NaN/, `${d.message} ${d.hint}`);
          }
        }
        assert.ok(wrong > 100, `${wrong} of 250 had findings`);
      },
    );
});
