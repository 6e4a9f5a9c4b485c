import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the installed package's folder, the same from source files and from bundled ones: the nearest folder upwards with a package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the folder of the engine package was not found');
    folder = parent;
  }
  return folder;
}

/** Absolute path of a file that the package ships, such as `schemas/pipelines.schema.json`. */
export function packageFile(...parts: readonly string[]): string {
  return join(packageRoot(), ...parts);
}
