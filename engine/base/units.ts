/** The number of `1000 units` or `1 unit`; undefined for any other form. */
export function parseUnits(text: string): number | undefined {
  const digits = /^(\d{1,15}) units?$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
