import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Beside each asset the same compressed, once for all: the server sends that to whoever takes it. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir = '' }) {
    const folder = join(dir, 'assets');
    for (const name of readdirSync(folder)) {
      if (!/\.(js|css|svg)$/.test(name)) continue;
      const content = readFileSync(join(folder, name));
      writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content));
      writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
    }
  },
};

/** Builds `ui/` into `dist/ui`: a shell without inline scripts or styles, and assets whose names hold their hash. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [compressed],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'ui'),
    emptyOutDir: true,
    target: 'es2023',
    // As a data: URI the page's own Content-Security-Policy would refuse them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite ui` beside `engine daemon`: the page as it is edited, the answers of the daemon.
  server: { proxy: { '/api': 'http://127.0.0.1:4460' } },
});
