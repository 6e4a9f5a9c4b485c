import { isAbsolute, join } from 'node:path';
import type { Connector } from '../../engine/connector.ts';
import { openFileLake } from './lake.ts';

/** A lake in a folder of this machine, or of a disk that several machines mount. */
export const connector: Connector = {
  type: 'file',
  open(name, settings, scope) {
    const path = String(settings.path);
    return { name, type: 'file', lake: openFileLake(isAbsolute(path) ? path : join(scope.root, path)), close: async () => undefined };
  },
  nodes: [],
};
