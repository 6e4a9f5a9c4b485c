import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findPython, runTool } from '../../engine/base/python.ts';
import type { Checkup, Project } from '../../engine/connector.ts';
import { errorData } from '../../engine/error.ts';
import { environmentFolder, existingEnvironment, newestMinor } from './environment.ts';

/** Looks at dbt: the project's folder, and the program or what it would be made from. Makes nothing. */
export async function checkup(project: Project, signal: AbortSignal): Promise<readonly Checkup[]> {
  return [
    await checkFolder(project.folder),
    project.command === undefined ? await checkEnvironment(signal) : await checkCommand(project.command, signal),
  ];
}

async function checkFolder(folder: string): Promise<Checkup> {
  const file = join(folder, 'dbt_project.yml');
  const there = (await stat(file).catch(() => undefined))?.isFile() === true;
  if (there) return { subject: 'project', outcome: 'ok', message: folder };
  return {
    subject: 'project',
    outcome: 'fail',
    message: `there is no ${file}`,
    hint: 'Name the folder of a dbt project in `dbt: { project: ... }`.',
  };
}

async function checkEnvironment(signal: AbortSignal): Promise<Checkup> {
  const subject = 'dbt';
  if ((await existingEnvironment()) !== undefined) return { subject, outcome: 'ok', message: `its environment is ${environmentFolder()}` };
  try {
    const python = await findPython({ signal, newestMinor });
    return {
      subject,
      outcome: 'ok',
      message: `not fetched yet; the first use makes its environment with Python ${python.version}, \`engine setup\` does it now`,
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { message, hint } = errorData(error);
    return {
      subject,
      outcome: 'fail',
      message,
      hint: hint ?? 'Install Python 3.10 or later with venv, or name a dbt of your own: `dbt: { command: ... }`.',
    };
  }
}

async function checkCommand(command: string, signal: AbortSignal): Promise<Checkup> {
  const hint = 'Name a dbt with dbt-postgres in `dbt: { command: ... }`, or leave it out: the engine then makes its own.';
  try {
    const { code, stdout, stderr } = await runTool(command, ['--version'], { signal });
    const said = `${stdout}\n${stderr}`;
    if (code !== 0) return { subject: 'dbt', outcome: 'fail', message: `${command} --version ended with ${code}`, hint };
    const version = /installed:\s*(\S+)/.exec(said)?.[1] ?? 'of unknown version';
    if (!/postgres:/.test(said))
      return { subject: 'dbt', outcome: 'fail', message: `${command} (dbt ${version}) has no postgres adapter`, hint };
    return { subject: 'dbt', outcome: 'ok', message: `${command}, dbt ${version}` };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { subject: 'dbt', outcome: 'fail', message: `${command} does not start: ${errorData(error).message}`, hint };
  }
}
