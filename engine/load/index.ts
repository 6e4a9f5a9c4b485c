import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config, Diagnostic } from '../config.ts';
import { EngineError } from '../error.ts';
import { enrich } from './enrich.ts';
import { type Environment, readEnvironment } from './environment.ts';
import type { RawConfig } from './raw.ts';
import { readYaml } from './read.ts';
import { resolveVariables } from './resolve.ts';
import { validateShape } from './validate.ts';

export interface Loaded {
  /** undefined when there are findings. */
  readonly config: Config | undefined;
  /** All of them, sorted by place; those of `.env` first. */
  readonly diagnostics: readonly Diagnostic[];
  /** Absolute path of the file that was read. */
  readonly file: string;
}

/** Reads and checks a `pipelines.yaml`. What is wrong in it is in `diagnostics`; a file that cannot be read is an EngineError. `frozen` is a folder with copies of the file and of `.env`, which are read in their place. Passwords in it are kept secret from then on. */
export async function loadConfig(request: {
  readonly file: string;
  readonly env: Environment;
  readonly frozen?: string | undefined;
}): Promise<Loaded> {
  const file = resolve(request.file);
  const folder = request.frozen ?? dirname(file);
  const text = readText(request.frozen === undefined ? file : join(folder, 'pipelines.yaml'));
  const reading = await readYaml(file, text);
  const { findings } = reading;
  if (reading.data === undefined) return { config: undefined, diagnostics: findings.list(), file };
  const environment = readEnvironment(folder, request.env);
  const resolved = resolveVariables(reading.data, text, reading.places, environment.env, findings);
  const raw = (await validateShape(resolved.data, resolved.fromEnvironment, findings)) as RawConfig;
  const config = enrich(raw, file, findings);
  const diagnostics = [...environment.diagnostics, ...findings.list()];
  return { config: diagnostics.length === 0 ? config : undefined, diagnostics, file };
}

/** Absolute path of the configuration: the given one, else `pipelines.yaml` in `cwd` or the nearest folder above it. None: EngineError of trouble `usage`. */
export function findConfigFile(cwd: string, given?: string): string {
  if (given !== undefined) {
    const file = resolve(cwd, given);
    return existsSync(file) && statSync(file).isDirectory() ? join(file, 'pipelines.yaml') : file;
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, 'pipelines.yaml');
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) break;
  }
  throw new EngineError('usage', 'config.no-file', `there is no pipelines.yaml in ${resolve(cwd)} or above it`, {
    hint: 'Go into your project, name the file with `--config FILE`, or make a new project with `engine init`.',
  });
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : code === 'EACCES'
            ? 'you have no right to read it'
            : String(error);
    throw new EngineError('usage', 'config.no-file', `${file} cannot be read: ${why}`, {
      cause: error,
      hint: 'Name the file with `--config FILE`.',
    });
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.includes('\0') || !Buffer.from(bytes.toString('utf8')).equals(bytes))
    throw new EngineError('usage', 'config.not-utf8', `${file} is no text in UTF-8`, { hint: 'Save it as UTF-8.' });
  return text;
}
