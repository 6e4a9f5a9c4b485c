import { createInterface } from 'node:readline/promises';
import type { CommandContext } from '../command.ts';
import { EngineError } from '../error.ts';

/** Returns when the person agrees: by `--yes`, or by `y` on a terminal. Otherwise EngineError `not-agreed`, trouble `refused`. */
export async function agree(context: CommandContext, question: string): Promise<void> {
  if (context.agreed) return;
  const asked = process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (asked) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await lines.question(`${question} [y/N] `, { signal: context.signal });
      if (/^y(es)?$/i.test(answer.trim())) return;
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      throw error;
    } finally {
      lines.close();
    }
  }
  throw new EngineError('refused', 'not-agreed', asked ? 'nothing was changed' : `${question} Nobody was there to ask`, {
    hint: 'Give --yes to agree beforehand. Nothing was changed.',
  });
}
