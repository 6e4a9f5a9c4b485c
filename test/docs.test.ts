import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { createRig, type Rig } from './support/rig.ts';
import { suite } from './support/suite.ts';

const root = join(import.meta.dirname, '..');

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

/** Fenced blocks of a page; the words after the fence are `language`, so `sh test` is one that a test runs. */
function blocksOf(page: string): readonly Block[] {
  const found: Block[] = [];
  let open: { language: string; lines: string[]; line: number } | undefined;
  for (const [i, line] of page.split('\n').entries()) {
    if (open === undefined) {
      if (line.startsWith('```')) open = { language: line.slice(3).trim(), lines: [], line: i + 1 };
    } else if (line === '```') {
      found.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  assert.is(open, undefined, 'every fence is closed');
  return found;
}

/** A line of output without what differs from run to run: ids, times, figures, widths. */
function plain(line: string): string {
  return line
    .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT[0-9:.]+Z/g, 'TIME')
    .replace(/\d[\d,.]*/g, '0')
    .replace(/\b0 (ms|s)\b/g, 'DURATION')
    .replace(/~0 (B|kB|MB)\b/g, 'SIZE')
    .replace(/\s+/g, ' ')
    .trim();
}

function pages(): readonly string[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...inDocs.map((f) => join('docs', f))];
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  path: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${path}:${process.env.PATH ?? ''}`, NO_COLOR: '1' };
    delete env.SOURCE_URL;
    delete env.WAREHOUSE_URL;
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

suite('pages', (s) => {
  let rig: Rig;
  s.before(async () => {
    rig = await createRig();
  });
  s.after(() => rig?.cleanup());

  s.test('the commands of the README, and those of docs/deploy.md after them, work in the order in which they stand there', async () => {
    cpSync(join(root, 'pipelines.yaml'), join(rig.root, 'pipelines.yaml'));
    cpSync(join(root, 'dbt'), join(rig.root, 'dbt'), { recursive: true });
    const path = join(rig.root, '.path');
    mkdirSync(path);
    writeFileSync(join(path, 'engine'), `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', 'engine.js')}" "$@"\n`);
    chmodSync(join(path, 'engine'), 0o755);
    let ran = 0;
    let compared = 0;
    let before: { readonly end: string; readonly lines: ReadonlySet<string>; readonly output: string } | undefined;
    const blocks = ['README.md', 'docs/deploy.md'].flatMap((page) =>
      blocksOf(readFileSync(join(root, page), 'utf8')).map((block) => ({ ...block, page })),
    );
    for (const block of blocks) {
      const [language, mark] = block.language.split(' ');
      if (block.language === '' && before?.end === `${block.page}:${block.line - 2}`) {
        compared += 1;
        for (const line of block.text.split('\n').filter((l) => /[a-z]/.test(l)))
          assert.ok(before.lines.has(plain(line)), `${block.page}:${block.line} says\n${line}\nand the output was\n${before.output}`);
      }
      if (mark !== 'test') continue;
      ran += 1;
      if (language === 'diff') writeFileSync(join(rig.root, 'change.diff'), block.text);
      const script = language === 'diff' ? 'git apply --unidiff-zero --whitespace=nowarn change.diff' : block.text;
      const { code, output } = await run('bash', ['-e', '-c', script], rig.root, path);
      assert.is(code, 0, `${block.page}:${block.line}\n${block.text}${output}`);
      before = {
        end: `${block.page}:${block.line + block.text.split('\n').length}`,
        lines: new Set(output.split('\n').map(plain)),
        output,
      };
    }
    assert.ok(ran >= 5);
    assert.ok(compared >= 3);
  });

  s.test('every link to a file of the project leads somewhere', () => {
    const broken: string[] = [];
    for (const page of pages())
      for (const [, target] of readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
        if (target !== undefined && !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(page), target)))
          broken.push(`${page}: ${target}`);
    assert.equal(broken, []);
  });

  s.test('every file that the README says to open is there', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const table = readme.slice(readme.indexOf('## To change X'));
    const named = [...table.matchAll(/`([a-z][a-z0-9-]*(?:\/[a-z0-9.-]*)+)`/g)].map(([, path]) => path ?? '');
    assert.ok(named.length > 10);
    assert.equal(
      named.filter((path) => !existsSync(join(root, path))),
      [],
    );
  });

  s.test('every npm script and every command that the pages name exists', async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const { commands } = await import('../engine/commands/index.ts');
    const known = new Set(commands.map((c) => c.name));
    const missing: string[] = [];
    for (const page of pages()) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, name] of text.matchAll(/npm run ([a-z:]+)/g))
        if (name !== undefined && scripts[name] === undefined) missing.push(`${page}: npm run ${name}`);
      for (const [, name] of text.matchAll(/(?:^|`)engine ([a-z]+)/gm))
        if (name !== undefined && !known.has(name)) missing.push(`${page}: engine ${name}`);
    }
    assert.equal(missing, []);
  });

  s.test('the Dockerfile copies only what is there, and what the package needs', () => {
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map(([, path]) => path ?? '');
    const made = new Set(['dist', 'node_modules']);
    assert.equal(
      copied.filter((path) => !made.has(path) && !existsSync(join(root, path))),
      [],
    );
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: readonly string[] };
    assert.equal(
      files.filter((file) => !copied.some((path) => path === file || path.startsWith(`${file}/`))),
      [],
    );
  });
});
