import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a configuration was read from. */
export interface ConfigTexts {
  readonly yaml: string;
  /** undefined: there is none. */
  readonly env: string | undefined;
}

/** A copy that no daemon has gone by for so long is removed. Runs read theirs in their first second. */
const keptMs = 24 * 60 * 60_000;
const markEveryMs = 60 * 60_000;

/**
 * Copies of configurations that are, or were, in force, under `.engine/daemon/`, a folder for each content. Daemons that share a project share them, and need not know each other: whoever goes by a
 * copy marks it each hour by the time of its file, and one whose mark is a day old is nobody's. A daemon that stood still for longer writes its copy anew.
 */
export interface ConfigCopies {
  /** The folder with a copy of these texts, written when it is not there. Readable by this user only: .env may hold passwords. */
  freeze(texts: ConfigTexts): string;
  /** Marks the copy as one that is gone by, and removes those that nobody goes by, with what runs whose daemon died left in them; once an hour, however often it is called. */
  keep(texts: ConfigTexts): void;
}

/** `root` is the project's folder. */
export function openConfigCopies(root: string, now: () => number): ConfigCopies {
  const parent = join(root, '.engine', 'daemon');
  let markedMs = Number.NEGATIVE_INFINITY;
  const mark = (folder: string): void => {
    const seconds = now() / 1000;
    utimesSync(markOf(folder), seconds, seconds);
  };
  const freeze = ({ yaml, env }: ConfigTexts): string => {
    const folder = join(parent, nameOf({ yaml, env }));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (env !== undefined) writeFileSync(join(folder, '.env'), env, { mode: 0o600 });
    writeFileSync(markOf(folder), yaml, { mode: 0o600 });
    mark(folder);
    return folder;
  };
  return {
    freeze,
    keep(texts) {
      const folder = join(parent, nameOf(texts));
      const isThere = existsSync(markOf(folder));
      if (isThere && Math.abs(now() - markedMs) < markEveryMs) return;
      markedMs = now();
      if (isThere) mark(folder);
      else freeze(texts);
      const isOld = (path: string): boolean => now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now()) > keptMs;
      for (const name of readdirSync(parent)) {
        const other = join(parent, name);
        // A folder whose copy was never finished is as old as itself.
        if (/^[0-9a-f]{16}$/.test(name) && other !== folder && isOld(existsSync(markOf(other)) ? markOf(other) : other))
          rmSync(other, { recursive: true, force: true });
      }
      for (const name of readdirSync(folder))
        if (/^run-.*\.txt$/.test(name) && isOld(join(folder, name))) rmSync(join(folder, name), { force: true });
    },
  };
}

const markOf = (folder: string): string => join(folder, 'pipelines.yaml');

function nameOf({ yaml, env }: ConfigTexts): string {
  return createHash('sha256')
    .update(`${yaml}\0${env ?? ''}`)
    .digest('hex')
    .slice(0, 16);
}
