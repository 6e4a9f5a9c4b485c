/** Ends a `switch` over a closed set: the compiler objects when a member has no case. */
export function unreachable(value: never): never {
  throw new Error(`no case for ${JSON.stringify(value)}`);
}
