import { type FaultResult, showFaultResult } from './postgres-faults.ts';

/** Strikes one fault after another on one project, prints a row for each, and closes the project. */
export async function strikeAll<Fault>(
  faults: readonly Fault[],
  struck: { strike(fault: Fault): Promise<FaultResult>; close(): Promise<void> },
): Promise<readonly FaultResult[]> {
  const results: FaultResult[] = [];
  try {
    for (const fault of faults) {
      const result = await struck.strike(fault);
      process.stdout.write(`${showFaultResult(result)}\n`);
      results.push(result);
    }
  } finally {
    await struck.close();
  }
  return results;
}
