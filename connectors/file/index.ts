import { isAbsolute, join } from 'node:path';
import type { Checkup, Connector } from '../../engine/connector.ts';
import { openFileLake } from './lake.ts';

/** A lake in a folder of this machine, or of a disk that several machines mount. */
export const connector: Connector = {
  type: 'file',
  open(name, settings, scope) {
    const path = String(settings.path);
    const root = isAbsolute(path) ? path : join(scope.root, path);
    const checkup = async (): Promise<readonly Checkup[]> => (await import('./checkup.ts')).checkup(root);
    return { name, type: 'file', lake: openFileLake(root), checkup, close: async () => undefined };
  },
  nodes: [],
};
