import type { Json } from '../base/json.ts';
import type { Unit, UnitResource } from '../connector.ts';

/** A unit as the executor holds it: the node's side, and how it ends. */
export interface OpenUnit {
  readonly unit: Unit;
  /** Commits what was joined, in that order, and returns what they had to say. When one fails, the others are rolled back and its error is thrown. */
  commit(): Promise<{ readonly [key: string]: Json }>;
  /** Rolls back, the last joined first. Never throws. */
  rollback(): Promise<void>;
}

/** A unit for one attempt. */
export function openUnit(): OpenUnit {
  const joined = new Map<string, Promise<UnitResource>>();
  let over = false;
  const rollback = async (): Promise<void> => {
    over = true;
    const resources = [...joined.values()].reverse();
    joined.clear();
    for (const opening of resources) await (await opening.catch(() => undefined))?.rollback();
  };
  return {
    unit: {
      // The name decides the kind: who joins under one name asks for one kind of resource.
      join<T extends UnitResource>(name: string, open: () => Promise<T>): Promise<T> {
        if (over) return Promise.reject(new Error(`the unit is over: ${name} cannot be joined`));
        const known = joined.get(name);
        if (known !== undefined) return known as Promise<T>;
        const opening = open();
        joined.set(name, opening);
        return opening;
      },
    },
    async commit() {
      over = true;
      let said: { readonly [key: string]: Json } = {};
      try {
        for (const [name, opening] of joined) {
          const resource = await opening;
          said = { ...said, ...(await resource.commit()) };
          joined.delete(name);
        }
      } catch (error) {
        await rollback();
        throw error;
      }
      return said;
    },
    rollback,
  };
}
