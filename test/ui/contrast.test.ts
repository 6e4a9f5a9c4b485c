import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { projectRoot } from '../support/build.ts';
import { suite } from '../support/suite.ts';

const css = readFileSync(join(projectRoot, 'ui', 'app.css'), 'utf8');

/** The colours that a rule of the stylesheet sets. */
function coloursOf(selector: string): ReadonlyMap<string, string> {
  const body = css.slice(css.indexOf(`${selector} {`)).split('}')[0] ?? '';
  return new Map([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name ?? '', value ?? '']));
}

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

suite('colours of the page', ({ test }) => {
  const themes = { light: coloursOf(':root'), dark: coloursOf(':root[data-theme="dark"]') };

  test('every text can be read on every ground, in both themes (AA: 4.5)', () => {
    for (const [name, theme] of Object.entries(themes))
      for (const ground of ['paper', 'raised', 'sunk'])
        for (const ink of ['ink', 'ink-quiet', 'good', 'live', 'warn', 'bad', 'rest', 'odd']) {
          const found = contrast(theme.get(ink) ?? '', theme.get(ground) ?? '');
          assert.ok(found >= 4.5, `${name}: ${ink} on ${ground} has ${found.toFixed(2)}`);
        }
  });

  test('the dark theme that is chosen is the one that the system chooses', () => {
    assert.is(themes.dark.size, themes.light.size);
    assert.equal([...coloursOf(':root:not([data-theme="light"])')], [...themes.dark]);
  });
});
