import { EngineError } from '../../engine/error.ts';

/** The EngineError that a promise ends with; throws when it ends well, or with anything else. */
export async function errorOf(work: Promise<unknown>): Promise<EngineError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof EngineError)) throw new Error(`no EngineError: ${String(thrown)}`);
  return thrown;
}
