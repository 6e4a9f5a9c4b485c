#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write(
    'error: the engine has not been built\n  what to do: npm ci && npm run build, in the folder of the clone; or npm run demo, which does it all\n',
  );
  process.exitCode = 3;
}
