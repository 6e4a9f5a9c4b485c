import { spawn } from 'node:child_process';
import { pythonWith } from '../../support/python-packages.ts';

/** Has schemathesis (PyPI) ask a server what its own `/openapi.json` allows, and what it does not; streams are left out, for they do not end. */
export async function schemathesis(
  url: string,
  cwd: string,
  options: { readonly phases: string; readonly maxTimeS?: number },
): Promise<{ readonly code: number | null; readonly output: string }> {
  const python = await pythonWith(['schemathesis==4.32.5']);
  const args = [
    'run',
    `${url}/openapi.json`,
    '--checks',
    'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
    '--exclude-path-regex',
    '/stream$',
    '--phases',
    options.phases,
    '--continue-on-failure',
    '--warnings',
    'off',
    '--seed',
    '1',
    '--no-color',
    ...(options.maxTimeS === undefined ? [] : ['--max-time', String(options.maxTimeS)]),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-m', 'schemathesis.cli', ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part: Buffer) => {
        output += part.toString();
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
