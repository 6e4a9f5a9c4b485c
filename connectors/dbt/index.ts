import type { Connector, Project } from '../../engine/connector.ts';
import { dbtBuild } from './build.ts';

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
};
