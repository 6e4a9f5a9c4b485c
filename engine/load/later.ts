/** Keys that product.md names and this version does not do yet, by what they are a key of. Accepting them and then doing nothing would be worse than a finding. */
const laterKeys: Readonly<Record<string, readonly string[]>> = {
  table: ['query', 'deletes', 'onSchemaChange'],
  defaults: ['query', 'deletes', 'onSchemaChange'],
};

/** True for a key that comes with a later version; `kind` is the kind of block that it stands in. */
export function comesLater(kind: string, key: string): boolean {
  return laterKeys[kind]?.includes(key) === true;
}
