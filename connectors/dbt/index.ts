import type { Connector } from '../../engine/connector.ts';
import { dbtBuild } from './build.ts';

/** dbt: a project as a role, and the node that builds it. */
export const connector: Connector = {
  type: 'dbt',
  open(name, settings) {
    const { project, command } = settings;
    if (typeof project !== 'string') throw new Error(`the connection ${name} has no project folder`);
    return {
      name,
      type: 'dbt',
      project: { folder: project, command: typeof command === 'string' ? command : undefined },
      close: async () => undefined,
    };
  },
  nodes: [dbtBuild],
};
