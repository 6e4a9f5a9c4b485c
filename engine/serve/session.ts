import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Session } from '../api.ts';
import { isSecretOf, makeCredential, parseToken } from '../base/credential.ts';
import { errorData } from '../error.ts';
import { recordAction } from './actions.ts';
import { isLocal } from './caller.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';
import { answers, fields, ref } from './schemas.ts';
import { createSlowDown } from './slow-down.ts';

const cookieName = 'engine_session';
const sessionMs = 7 * 86_400_000;
const noteUseEveryMs = 60_000;

/** Says who asks. */
export interface Doorkeeper {
  /** The name of a token, or `local`; undefined: somebody who must show a token. Throws 401 for a wrong one, after a while. */
  caller(request: FastifyRequest): Promise<string | undefined>;
  /** The token of that text; a wrong one is answered late. */
  check(request: FastifyRequest, token: string): Promise<{ readonly id: string; readonly name: string }>;
}

/** Tokens by `Authorization: Bearer`, sessions by cookie, and callers on this machine. */
export function createDoorkeeper(parts: ServerParts): Doorkeeper {
  const { access, clock } = parts;
  const slowDown = createSlowDown(clock);
  const noted = new Map<string, number>();

  const noteUse = async (id: string): Promise<void> => {
    const now = clock.now();
    if (now - (noted.get(id) ?? Number.NEGATIVE_INFINITY) < noteUseEveryMs) return;
    noted.set(id, now);
    await access.usedToken(id, new Date(now).toISOString());
  };
  const check = async (request: FastifyRequest, token: string): Promise<{ readonly id: string; readonly name: string }> => {
    const given = parseToken(token);
    const record = given === undefined ? undefined : await access.token(given.id);
    if (given === undefined || !isSecretOf(given.secret, record?.hash) || record === undefined) {
      await slowDown.failed(request.socket.remoteAddress ?? '');
      throw new Refusal(
        401,
        'token.wrong',
        'this token is not known',
        'Make one with engine token create NAME on the machine of the daemon.',
      );
    }
    await noteUse(record.id).catch((error: unknown) => parts.tell('warn', errorData(error).message));
    return { id: record.id, name: record.name };
  };
  return {
    check,
    async caller(request) {
      const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (bearer !== undefined) return (await check(request, bearer)).name;
      const cookie = parseCookie(request.cookies[cookieName]);
      if (cookie !== undefined) {
        const session = await access.session(cookie.id, new Date(clock.now()).toISOString());
        if (session !== undefined && isSecretOf(cookie.secret, session.hash)) return session.token;
      }
      return isLocal(request) && !parts.requireToken ? 'local' : undefined;
    },
  };
}

function parseCookie(text: string | undefined): { readonly id: string; readonly secret: string } | undefined {
  const parts = /^([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/.exec(text ?? '');
  return parts?.[1] === undefined || parts[2] === undefined ? undefined : { id: parts[1], secret: parts[2] };
}

/** Logging in with a token, and out. The cookie is a secret of its own: neither is kept in clear. */
export function sessionRoutes(app: FastifyInstance, parts: ServerParts, doorkeeper: Doorkeeper): void {
  const { access, clock } = parts;
  const failedAt = new Map<string, number>();
  app.get(
    '/session',
    { config: { open: true }, schema: { summary: 'Who the caller is', response: answers(ref('Session')) } },
    async (request): Promise<Session> => {
      const who = await doorkeeper.caller(request);
      return { who, tokenNeeded: who === undefined };
    },
  );

  app.post<{ Body: { readonly token: string } }>(
    '/session',
    {
      config: { open: true },
      schema: {
        summary: 'Logs a browser in with a token; the answer sets a cookie',
        body: fields({ token: { type: 'string', maxLength: 200 } }, ['token']),
        response: answers(ref('Session')),
      },
    },
    async (request, reply): Promise<Session> => {
      const token = await doorkeeper.check(request, request.body.token).catch(async (error: unknown) => {
        // One row a minute for each address: who guesses must not fill the store. What a proxy says of it anybody can say.
        const from = request.socket.remoteAddress ?? '';
        if (error instanceof Refusal && clock.now() - (failedAt.get(from) ?? Number.NEGATIVE_INFINITY) > 60_000) {
          if (failedAt.size > 1_000) failedAt.clear();
          failedAt.set(from, clock.now());
          await recordAction(parts, request, { who: 'unknown', action: 'login', subject: '', outcome: 'refused: a wrong token' });
        }
        throw error;
      });
      const { id, secret, hash } = makeCredential();
      const expiresAt = new Date(clock.now() + sessionMs).toISOString();
      await access.addSession({ id, hash, tokenId: token.id, expiresAt });
      await recordAction(parts, request, { who: token.name, action: 'login', subject: '', outcome: `until ${expiresAt}` });
      reply.setCookie(cookieName, `${id}.${secret}`, { ...cookieFlags(parts, request), maxAge: sessionMs / 1000 });
      return { who: token.name, tokenNeeded: false };
    },
  );

  app.delete(
    '/session',
    { config: { open: true }, schema: { summary: 'Logs the browser out', response: answers(ref('Session')) } },
    async (request, reply): Promise<Session> => {
      const cookie = parseCookie(request.cookies[cookieName]);
      const session = cookie === undefined ? undefined : await access.session(cookie.id, new Date(clock.now()).toISOString());
      if (cookie !== undefined && session !== undefined && isSecretOf(cookie.secret, session.hash)) {
        await access.endSession(cookie.id);
        await recordAction(parts, request, { who: session.token, action: 'logout', subject: '', outcome: 'done' });
      }
      reply.clearCookie(cookieName, cookieFlags(parts, request));
      const local = isLocal(request) && !parts.requireToken;
      return { who: local ? 'local' : undefined, tokenNeeded: !local };
    },
  );
}

/** Secure wherever the browser came by HTTPS, to this server or to a proxy before it. */
function cookieFlags({ tls }: ServerParts, request: FastifyRequest) {
  const secure = tls !== undefined || request.headers['x-forwarded-proto'] === 'https';
  return { path: '/', httpOnly: true, sameSite: 'strict', secure } as const;
}
