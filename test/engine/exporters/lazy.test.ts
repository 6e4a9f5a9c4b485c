import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { projectRoot } from '../../support/build.ts';
import { suite } from '../../support/suite.ts';

const script = `
const { createRequire } = await import('node:module');
const { openExporters } = await import(process.argv[1]);
const exporter = await openExporters({ env: process.env, engine: '0', clock: { now: Date.now, sleep: async () => undefined }, warn: console.error, work: undefined });
const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('@opentelemetry'));
console.log(JSON.stringify({ opened: exporter !== undefined, loaded: loaded.length > 0 }));
process.exit();
`;

/** What a process with this environment does. */
async function opened(env: Readonly<Record<string, string>>): Promise<unknown> {
  const args = ['--import', 'tsx', '--input-type=module', '-e', script, join(projectRoot, 'engine/exporters/index.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectRoot, env: { PATH: process.env.PATH, ...env } });
  return JSON.parse(stdout);
}

suite('exporters that nobody asks for', ({ test }) => {
  test('cost nothing: without their variables nothing is opened, and nothing of OpenTelemetry is loaded', async () => {
    assert.equal(await opened({}), { opened: false, loaded: false });
    assert.equal(await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' }), {
      opened: false,
      loaded: false,
    });
    assert.equal(await opened({ OPENLINEAGE_URL: 'http://127.0.0.1:9', OPENLINEAGE_DISABLED: 'true' }), { opened: false, loaded: false });
    assert.equal(await opened({ OPENLINEAGE_URL: 'http://127.0.0.1:9' }), { opened: true, loaded: false });
    assert.equal(await opened({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }), { opened: true, loaded: true });
  });
});
