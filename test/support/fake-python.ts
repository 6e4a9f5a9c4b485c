import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a pretended Python does; each part is shell code, run where a real one would do that work. */
export interface FakePython {
  readonly version?: string;
  /** `python -m venv $folder`; by default it copies itself to `$folder/bin/python`. */
  readonly venv?: string;
  /** `python -m pip ...`; by default it succeeds. */
  readonly pip?: string;
}

/** Writes a program that answers as Python would to the questions of engine/base/python.ts, and notes every call in `<path>.calls`. Returns the calls so far. */
export function writeFakePython(path: string, fake: FakePython = {}): () => readonly string[] {
  mkdirSync(dirname(path), { recursive: true });
  const calls = `${path}.calls`;
  writeFileSync(calls, '');
  const copy = 'mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python"';
  const script = `#!/bin/sh
echo "$*" | head -n 1 >> '${calls}'
case "$*" in
  *'-m venv '*) folder="$3"; ${fake.venv ?? copy} ;;
  *'-m pip '*) ${fake.pip ?? ':'} ;;
  *python_version*) echo "$0"; echo '${fake.version ?? '3.11.2'}' ;;
  *) : ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return () =>
    readFileSync(calls, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
}

/** An environment in which that program is the only Python, with a cache folder of its own. */
export function fakePythonEnv(folder: string, program: string): Record<string, string> {
  return { ENGINE_PYTHON: program, XDG_CACHE_HOME: join(folder, 'cache'), HOME: join(folder, 'home'), PIP_RETRIES: '0' };
}
