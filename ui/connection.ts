import type { Session } from '../engine/api.ts';
import { againAfterMs } from './again.ts';
import { ApiFailure, address, get, paths } from './api.ts';
import { nowMs } from './clock.ts';
import { watched } from './watched.ts';

/** Whether what is shown is told as it changes. */
export interface Connection {
  readonly state: 'opening' | 'open' | 'lost';
  /** By the daemon's clock. */
  readonly sinceMs: number;
}

/** The line to the daemon. */
export const connection = watched<Connection>({ state: 'opening', sinceMs: nowMs() });
/** Who looks, as the daemon says; undefined before it was asked. */
export const session = watched<Session | undefined>(undefined);
/** True while the daemon wants a token. */
export const loginNeeded = watched(false);

/** What only time changes (a table that becomes too old, a leader that fell silent) is not told: it is asked for. */
const slowlyMs = 30_000;
/** Nothing is drawn before it is known who looks, or it is clear that this takes long. */
const sessionMs = 10_000;
const changedListeners = new Set<() => void>();
let source: EventSource | undefined;
let again: number | undefined;

/** Called whenever something changed on the daemon's side, or may have while nobody listened. */
export function onChanged(listener: () => void): () => void {
  changedListeners.add(listener);
  return () => void changedListeners.delete(listener);
}

function changed(): void {
  for (const listener of [...changedListeners]) listener();
}

function state(next: Connection['state']): void {
  if (connection.get().state !== next) connection.set({ state: next, sinceMs: nowMs() });
}

/** Takes what the daemon says of who looks. */
export function takeSession(told: Session): void {
  session.set(told);
  loginNeeded.set(told.tokenNeeded);
  if (told.tokenNeeded) close();
}

/** Opens the line and keeps it; a page that nobody sees holds none, since a browser has only six to one server. */
export async function keepConnected(): Promise<void> {
  // Whoever needs a token is asked for it before anything is refused.
  await askSession();
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  window.addEventListener('online', () => {
    if (!document.hidden) open();
  });
  // Whatever the line's state is: what was not answered is asked for again, too.
  window.setInterval(() => {
    if (!document.hidden && !loginNeeded.get()) changed();
  }, slowlyMs);
  if (!document.hidden) open();
}

/** Opens the line anew, after a login for example. */
export function reopen(): void {
  close();
  open();
}

function close(): void {
  window.clearTimeout(again);
  again = undefined;
  source?.close();
  source = undefined;
}

function open(): void {
  if (loginNeeded.get()) return;
  if (source !== undefined && source.readyState !== EventSource.CLOSED) return;
  close();
  const opened = new EventSource(address(paths.stream));
  source = opened;
  opened.addEventListener('open', () => {
    state('open');
    changed();
  });
  opened.addEventListener('changed', changed);
  opened.addEventListener('error', () => {
    state('lost');
    // Of a line that broke the browser would open the next one by itself, in every page after the same time.
    if (opened.readyState === EventSource.CLOSED) void askSession();
    openLater();
  });
}

function openLater(): void {
  close();
  again = window.setTimeout(open, againAfterMs(Math.random()));
}

/** Asks who looks: a stream that is refused does not say why. */
async function askSession(): Promise<void> {
  try {
    takeSession(await get<Session>(paths.session, { patienceMs: sessionMs }));
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    noteFailure(error);
  }
}

/** What a failure says about the line itself. */
export function noteFailure(failure: ApiFailure): void {
  if (failure.status === 401) loginNeeded.set(true);
  if (failure.status !== 0) return;
  state('lost');
  // A line that broke without a word (a laptop that slept) still looks open.
  if (again === undefined && !document.hidden) openLater();
}
