import { ApiFailure, address, get, paths } from './api.ts';
import { watched } from './watched.ts';

/** Whether what is shown is told as it changes. */
export interface Connection {
  readonly state: 'opening' | 'open' | 'lost';
  readonly sinceMs: number;
}

/** The line to the daemon. */
export const connection = watched<Connection>({ state: 'opening', sinceMs: Date.now() });
/** True while the daemon asks who is there. */
export const loginNeeded = watched(false);

const againMs = 2_000;
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
  if (connection.get().state !== next) connection.set({ state: next, sinceMs: Date.now() });
}

/** Opens the line and keeps it; a page that nobody sees holds none, since a browser has only six to one server. */
export function keepConnected(): void {
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  window.addEventListener('online', () => open());
  if (!document.hidden) open();
}

/** Opens the line anew, after a login for example. */
export function reopen(): void {
  close();
  open();
}

function close(): void {
  window.clearTimeout(again);
  source?.close();
  source = undefined;
}

function open(): void {
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
    if (opened.readyState !== EventSource.CLOSED) return;
    close();
    void whoIsThere();
    again = window.setTimeout(open, againMs);
  });
}

/** A stream that is refused does not say why: an ordinary question does. */
async function whoIsThere(): Promise<void> {
  try {
    await get(paths.overview);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    noteFailure(error);
  }
}

/** What a failure says about the line itself. */
export function noteFailure(failure: ApiFailure): void {
  if (failure.status === 401) loginNeeded.set(true);
  if (failure.status === 0) state('lost');
}
