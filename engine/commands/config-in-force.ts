import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, Diagnostic } from '../config.ts';
import { EngineError } from '../error.ts';
import { loadConfig } from '../load/index.ts';
import { type ConfigTexts, openConfigCopies } from './config-copies.ts';

/** The configuration that a daemon goes by: the newest one without findings. */
export interface ConfigInForce {
  /** Looks whether pipelines.yaml or .env were changed; what has findings is told once, and the one before stays in force. */
  current(): Promise<Config>;
  /** Since when it is in force, and what became of the newest file that is not. */
  standing(): { readonly takenAt: string; readonly refused: { readonly at: string; readonly why: string } | undefined };
  /** Whether pipelines.yaml and .env are what is in force. */
  isCurrent(): boolean;
  /** A folder with copies of the files that are in force (`loadConfig`'s `frozen`): runs go by them, whatever is being edited. */
  readonly folder: string;
}

export interface ConfigWatch {
  /** Absolute path of pipelines.yaml. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Findings of a file that is not taken. */
  refused(diagnostics: readonly Diagnostic[], why: string): void;
  /** A changed file is in force from now on. */
  taken(config: Config): void;
  /** Old copies could not be removed, or the one in force could not be written anew. */
  trouble(text: string): void;
}

/** Begins with a configuration that was loaded without findings. */
export function watchConfig(config: Config, watch: ConfigWatch): ConfigInForce {
  const copies = openConfigCopies(config.root, watch.now);
  let inForce = config;
  let texts = read(watch.file);
  let frozen = texts;
  let folder = copies.freeze(frozen);
  let unreadable = '';
  const at = (): string => new Date(watch.now()).toISOString();
  let takenAt = at();
  let refusal: { readonly at: string; readonly why: string } | undefined;
  let unread: typeof refusal;
  const refuse = (diagnostics: readonly Diagnostic[], why: string): void => {
    refusal = { at: at(), why };
    watch.refused(diagnostics, why);
  };
  /** undefined while there is something in the place of the file that cannot be read; that is told once. */
  const readable = (): ConfigTexts | undefined => {
    try {
      const now = read(watch.file);
      unread = undefined;
      unreadable = '';
      return now;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (unreadable !== error.message) {
        unread = { at: at(), why: error.message };
        watch.refused([], error.message);
      }
      unreadable = error.message;
      return undefined;
    }
  };
  return {
    standing: () => ({ takenAt, refused: unread ?? refusal }),
    isCurrent() {
      try {
        const now = read(watch.file);
        return now.yaml === frozen.yaml && now.env === frozen.env;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return false;
      }
    },
    get folder() {
      return folder;
    },
    async current() {
      try {
        copies.keep(frozen);
      } catch (error) {
        watch.trouble(`the copies of pipelines.yaml under ${dirname(folder)}: ${(error as Error).message}`);
      }
      const now = readable();
      if (now === undefined || (now.yaml === texts.yaml && now.env === texts.env)) return inForce;
      texts = now;
      const next = copies.freeze(now);
      try {
        const loaded = await loadConfig({ file: watch.file, env: watch.env, frozen: next });
        if (loaded.config === undefined) refuse(loaded.diagnostics, 'it has findings');
        else {
          inForce = loaded.config;
          folder = next;
          frozen = now;
          takenAt = at();
          refusal = undefined;
          watch.taken(inForce);
        }
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        refuse([], error.message);
      }
      return inForce;
    },
  };
}

/** A file that is gone reads as an empty one, which has findings. */
function read(file: string): ConfigTexts {
  return { yaml: textOf(file) ?? '', env: textOf(join(dirname(file), '.env')) };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EngineError('outside', 'config.unreadable', `${file} cannot be read`, { cause: error, hint: 'Look at its rights.' });
  }
}
