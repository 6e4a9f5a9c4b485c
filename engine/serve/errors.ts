import type { FastifyError, FastifyInstance } from 'fastify';
import type { ApiError } from '../api.ts';
import { redact } from '../base/secret.ts';
import { EngineError, type Trouble } from '../error.ts';
import type { ServerParts } from './parts.ts';

/** An answer that is not 2xx, as an error. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

const statusOf: Readonly<Record<Trouble, number>> = { usage: 400, refused: 409, outside: 503, failed: 500, stopped: 503 };

/** The body of a refusal. */
export function errorBody(code: string, message: string, hint?: string): ApiError {
  return { error: { code, message: redact(message), ...(hint === undefined ? {} : { hint: redact(hint) }) } };
}

/** Answers whatever is thrown as `ApiError`. Defects of the engine's own are told to the daemon, not to the caller. */
export function answerErrors(app: FastifyInstance, parts: ServerParts): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    // What streams a download may break in the middle of it: nothing more can be said then.
    if (reply.raw.headersSent) return void reply.raw.destroy();
    if (error instanceof Refusal) return reply.code(error.status).send(errorBody(error.code, error.message, error.hint));
    // Before it is known who asks: what keeps the store from answering names hosts.
    if (error instanceof EngineError && request.caller === undefined)
      return reply
        .code(statusOf[error.trouble])
        .send(errorBody(error.code, 'it cannot be looked up who asks', 'Ask again in a while. Is the state store away?'));
    if (error instanceof EngineError) return reply.code(statusOf[error.trouble]).send(errorBody(error.code, error.message, error.hint));
    if (error.code === 'FST_ERR_HANDLER_TIMEOUT')
      return reply
        .code(503)
        .send(
          errorBody(
            'answer.late',
            'it takes too long to find the answer',
            'Ask again in a while. engine doctor says whether the state store, sources, sinks and the lake answer.',
          ),
        );
    if (error.validation !== undefined) return reply.code(400).send(errorBody('request.invalid', error.message));
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
      return reply.code(error.statusCode).send(errorBody('request.invalid', error.message));
    parts.tell('error', `${request.method} ${request.routeOptions.url ?? '?'} failed: ${redact(error.message)}`);
    return reply.code(500).send(errorBody('engine.defect', 'the engine failed to answer; its daemon has said why'));
  });
}
