import { effect } from '../../engine/base/effect.ts';
import { EngineError } from '../../engine/error.ts';
import type { LakeWriter } from '../../lake/lake.ts';
import type { NewFile } from '../../lake/table.ts';
import type { Part } from './extract-reader.ts';

/** So many finished parts may wait on the local disk before reading pauses. */
const backlog = 4;

/** Publishes finished parts one after another while others are being read. */
export interface Publisher {
  /** Takes a part that is complete. */
  add(part: Part): void;
  /** Waits until few parts wait. Throws what publishing failed with. */
  room(): Promise<void>;
  /** All that were published, once all are. Throws what publishing failed with. */
  finish(): Promise<readonly NewFile[]>;
  /** Waits until nothing is being published any more, and gives what that failed with. Never throws. */
  settle(): Promise<{ readonly error: unknown } | undefined>;
}

/** A publisher into that folder; `failed` is called once when a part cannot be published. */
export function createPublisher(writer: LakeWriter, failed: () => void): Publisher {
  const files: NewFile[] = [];
  let waiting = 0;
  let failure: { readonly error: unknown } | undefined;
  let turn: Promise<void> = Promise.resolve();
  let wake: (() => void)[] = [];

  const publish = async ({ name, rows, size: expected }: Part): Promise<void> => {
    if (failure !== undefined) return;
    const size = await effect('lake.part', () => writer.publish(name));
    if (size !== expected)
      throw new EngineError(
        'failed',
        'extract.part-size',
        `the part ${name} has ${size} bytes in the lake, and had ${expected} when it was written`,
        {
          retryable: true,
          hint: 'It is tried again; nothing was committed',
        },
      );
    files.push({ path: name, size, rows });
  };
  const check = (): void => {
    if (failure !== undefined) throw failure.error;
  };

  return {
    add(part) {
      waiting += 1;
      turn = turn
        .then(() => publish(part))
        .catch((error: unknown) => {
          if (failure === undefined) failed();
          failure ??= { error };
        })
        .then(() => {
          waiting -= 1;
          for (const go of wake) go();
          wake = [];
        });
    },
    async room() {
      while (waiting >= backlog && failure === undefined) await new Promise<void>((go) => wake.push(go));
      check();
    },
    async finish() {
      await turn;
      check();
      return files;
    },
    settle: async () => {
      await turn;
      return failure;
    },
  };
}
