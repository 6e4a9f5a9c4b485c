/** `GET /connections`: everything configured that a run needs, and whether it answers; looked at when somebody asks, at most every half minute. */
export interface ConnectionsPage {
  readonly connections: readonly ConnectionState[];
}

export interface ConnectionState {
  readonly kind: 'source' | 'sink' | 'lake' | 'store';
  readonly name: string;
  /** `postgres`, `file`, `s3`. */
  readonly type: string;
  /** `idle`: a server that the engine runs itself, and that nobody uses now. */
  readonly state: 'answers' | 'silent' | 'idle';
  /** Since when it is known to be so. */
  readonly since: string;
  readonly checkedAt: string;
  /** Why it does not answer, and what to do. */
  readonly why: string | undefined;
  readonly hint: string | undefined;
}
