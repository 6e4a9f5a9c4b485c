import { join } from 'node:path';
import { defineConfig } from 'vite';

/** Builds `ui/` into `dist/ui`: a shell without inline scripts or styles, and assets whose names hold their hash. */
export default defineConfig({
  root: import.meta.dirname,
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
