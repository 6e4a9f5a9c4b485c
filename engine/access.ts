import type { Action, ActionName } from './api.ts';

/** A token as it is kept: of its secret only the SHA-256. Times are ISO 8601 UTC. */
export interface TokenRecord {
  /** Public part of the token, to find it by. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of its secret, hex. */
  readonly hash: string;
  readonly createdAt: string;
  /** To the minute; undefined before the first use. */
  readonly usedAt: string | undefined;
}

/** A browser that somebody logged in with a token; ends with the token. */
export interface SessionRecord {
  readonly id: string;
  /** SHA-256 of what its cookie holds, hex. */
  readonly hash: string;
  /** The name of the token. */
  readonly token: string;
  readonly expiresAt: string;
}

/** An action as it is kept. */
export type ActionRecord = Omit<Action, 'asked'>;

/** Which actions are asked for. */
export interface ActionQuery {
  /** Only those before that id. */
  readonly before?: number;
  readonly limit: number;
  readonly who?: string;
  readonly action?: ActionName;
  /** About it, one of its runs that is kept, or something of it that waited. */
  readonly pipeline?: string;
  /** Only tries that were refused. */
  readonly refused?: boolean;
}

/** Who may use the API from elsewhere, and what was done. Secrets are never in it. Every method may throw EngineError of trouble `outside`. */
export interface Access {
  /** False when there is one of that name. */
  addToken(token: Omit<TokenRecord, 'usedAt'>): Promise<boolean>;
  /** By name. */
  tokens(): Promise<readonly TokenRecord[]>;
  token(id: string): Promise<TokenRecord | undefined>;
  /** Ends it and every session that was begun with it; false when there is none of that name. */
  revokeToken(name: string): Promise<boolean>;
  /** Notes that it was used. */
  usedToken(id: string, at: string): Promise<void>;
  addSession(session: Omit<SessionRecord, 'token'> & { readonly tokenId: string }): Promise<void>;
  /** One that has not ended by then. */
  session(id: string, now: string): Promise<SessionRecord | undefined>;
  endSession(id: string): Promise<void>;
  /** Keeps what somebody did; the oldest are removed past a hundred thousand. */
  record(action: Omit<ActionRecord, 'id'>): Promise<void>;
  /** The newest first. */
  actions(query: ActionQuery): Promise<readonly ActionRecord[]>;
}
