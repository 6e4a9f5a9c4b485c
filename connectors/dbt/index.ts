import type { Connector, Prepared, Project } from '../../engine/connector.ts';
import { dbtBuild } from './build.ts';
import { ensureEnvironment, environmentFolder } from './environment.ts';

/** dbt: a project as a role, and the node that builds it. */
export const connector: Connector = {
  type: 'dbt',
  open(name, settings) {
    const { project, command } = settings;
    if (typeof project !== 'string') throw new Error(`the connection ${name} has no project folder`);
    const role: Project = { folder: project, command: typeof command === 'string' ? command : undefined };
    return {
      name,
      type: 'dbt',
      project: role,
      checkup: async ({ signal }) => (await import('./checkup.ts')).checkup(role, signal),
      close: async () => undefined,
    };
  },
  nodes: [dbtBuild],
  async prepare(settings, scope) {
    const commands = settings?.map((link) => link.command) ?? [null];
    const ready: Prepared[] = [];
    for (const command of new Set(commands))
      if (typeof command === 'string') ready.push({ what: "dbt, the project's own", path: command });
      else {
        await ensureEnvironment(scope);
        ready.push({ what: "dbt's environment", path: environmentFolder() });
      }
    return ready;
  },
};
