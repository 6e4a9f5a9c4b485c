import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Absolute path of the repository. */
export const projectRoot = join(import.meta.dirname, '..', '..');

const dist = join(projectRoot, 'dist');
const engine = { built: join(dist, 'main.js'), sources: ['engine', 'connectors', 'lake', 'generators'] };
const page = { built: join(dist, 'ui', 'index.html'), sources: ['ui', 'engine'] };
const assets = join(dist, 'ui', 'assets');
const work = join(projectRoot, 'node_modules', '.cache', 'engine-build');
const lock = join(work, 'lock');

/** Builds the engine and the page in dist/ when a source is newer than it. One process builds at a time, and running engines never see half a file. */
export async function ensureBuilt(): Promise<void> {
  while (outOfDate(engine) || outOfDate(page)) {
    if (!takeLock()) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    try {
      if (outOfDate(engine)) await buildEngine();
      if (outOfDate(page)) await buildPage();
    } finally {
      rmSync(lock, { force: true });
    }
  }
}

async function buildEngine(): Promise<void> {
  const began = new Date();
  const aside = join(work, `${process.pid}`);
  try {
    await build({
      entryPoints: [join(projectRoot, 'engine/main.ts')],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      outdir: aside,
      logLevel: 'warning',
      absWorkingDir: projectRoot,
      plugins: [missingFiles],
    });
    mkdirSync(dist, { recursive: true });
    // The entry goes last: whoever starts before it still finds the parts of the old one, which stay.
    const files = readdirSync(aside).sort((a, b) => Number(a === 'main.js') - Number(b === 'main.js'));
    for (const file of files) renameSync(join(aside, file), join(dist, file));
    utimesSync(join(dist, 'main.js'), began, began);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function buildPage(): Promise<void> {
  const began = new Date();
  const aside = join(work, `page-${process.pid}`);
  try {
    // Loaded only when there is something to build.
    const vite = await import('vite');
    await vite.build({ root: join(projectRoot, 'ui'), logLevel: 'warn', build: { outDir: aside } });
    const replaced = builtAssets();
    mkdirSync(assets, { recursive: true });
    const built = readdirSync(join(aside, 'assets'));
    // Each in one step, and the shell last: whoever asks meanwhile gets a whole file, of the old page or the new one.
    for (const file of built) renameSync(join(aside, 'assets', file), join(assets, file));
    renameSync(join(aside, 'index.html'), page.built);
    utimesSync(page.built, began, began);
    // A page that is open still finds its parts; those of builds before that one are nobody's.
    const kept = new Set([...replaced, ...built]);
    for (const file of readdirSync(assets)) if (!kept.has(file)) rmSync(join(assets, file));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** The names of the files that the built page may ever load, each as it is and compressed: what its shell names, what those name, and so on. */
export function builtAssets(): readonly string[] {
  if (!existsSync(page.built) || !existsSync(assets)) return [];
  const all = readdirSync(assets);
  const named = new Set<string>();
  const texts = [readFileSync(page.built, 'utf8')];
  for (let text = texts.pop(); text !== undefined; text = texts.pop())
    for (const file of all)
      if (!named.has(file) && !/\.(gz|br)$/.test(file) && text.includes(file)) {
        named.add(file);
        texts.push(readFileSync(join(assets, file), 'utf8'));
      }
  return all.filter((file) => named.has(file.replace(/\.(gz|br)$/, '')));
}

/** A module that does not exist fails when it is asked for, not before. */
const missingFiles: Plugin = {
  name: 'missing-files',
  setup(hooks) {
    hooks.onResolve({ filter: /^\.\.?\// }, ({ path, importer }) =>
      path.endsWith('.ts') && !existsSync(join(dirname(importer), path)) ? { path, external: true } : undefined,
    );
  },
};

function outOfDate({ built, sources }: { readonly built: string; readonly sources: readonly string[] }): boolean {
  const builtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  return builtMs === undefined || sources.some((folder) => newest(join(projectRoot, folder)) > builtMs);
}

function newest(folder: string): number {
  if (!existsSync(folder)) return 0;
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const at = entry.isDirectory()
      ? newest(path)
      : /\.(tsx?|json|css|html|svg)$/.test(entry.name)
        ? (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
        : 0;
    latest = Math.max(latest, at);
  }
  return latest;
}

/** A lock file with our pid; one whose process is gone is taken over. */
function takeLock(): boolean {
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    if (Number.isInteger(holder) && holder > 0) process.kill(holder, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(lock, { force: true });
  }
  return false;
}
