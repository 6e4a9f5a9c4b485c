import { createMemoryRealm, createMemoryStore } from '../../../engine/stores/memory.ts';
import { storeConformance } from '../../conformance/store.ts';

storeConformance('memory', async (clock) => {
  const realm = createMemoryRealm();
  return { open: async () => createMemoryStore(clock, realm), remove: async () => undefined };
});
