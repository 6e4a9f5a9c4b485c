import { execFile, spawnSync } from 'node:child_process';
import { pythonWith } from './python-packages.ts';

/** One series of a scrape. */
export interface Sample {
  readonly family: string;
  readonly type: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const script = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for s in family.samples:
        print(json.dumps({'family': family.name, 'type': family.type, 'name': s.name, 'labels': s.labels, 'value': s.value}, allow_nan=True))
`;

/** A scrape as Prometheus' own Python client reads it; throws with what it says when it cannot. */
export async function readExposition(text: string): Promise<readonly Sample[]> {
  const python = await pythonWith(['prometheus_client==0.25.0']);
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile(python, ['-c', script], { maxBuffer: 100_000_000 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${stderr}\n${text}`)),
    );
    child.stdin?.end(text);
  });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line.replace(/: (NaN|-?Infinity)\}/, ': null}')) as Sample);
}

/** `promtool` of Prometheus, where one is on the PATH. */
export function hasPromtool(): boolean {
  return spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** What `promtool` says to that on its stdin; empty when nothing. */
export function promtool(args: readonly string[], input: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 ? '' : `${status}: ${stdout}${stderr}`;
}
