import { effect } from '../base/effect.ts';
import type { Lease } from '../connector.ts';
import { errorData } from '../error.ts';
import type { LeaseHolder, Store } from '../store.ts';

/** The leases of one run: each taken once, whichever of its nodes and attempts asks, and held until it is released or the run ends. */
export interface RunLeases {
  take(name: string): Promise<Lease>;
  /** Gives back what is still held. Never throws; what failed is told. */
  releaseAll(tell: (text: string) => void): Promise<void>;
}

export function createRunLeases(store: Store, holder: LeaseHolder): RunLeases {
  const held = new Map<string, Promise<Lease>>();
  return {
    take(name) {
      const known = held.get(name);
      if (known !== undefined) return known;
      const taking = effect('store.lease', () => store.lease(name, holder)).then(
        (lease): Lease => ({
          name: lease.name,
          scope: lease.scope,
          token: lease.token,
          check: () => lease.check(),
          async release() {
            if (held.get(name) === taking) held.delete(name);
            await effect('store.release', () => lease.release());
          },
        }),
      );
      held.set(name, taking);
      taking.catch(() => held.delete(name));
      return taking;
    },
    async releaseAll(tell) {
      for (const [name, taking] of [...held]) {
        const lease = await taking.catch(() => undefined);
        await lease?.release().catch((error: unknown) => tell(`the lease ${name} could not be given back: ${errorData(error).message}`));
      }
    },
  };
}
