import { useEffect, useState } from 'preact/hooks';
import type { Session } from '../../engine/api.ts';
import type { Overview } from '../../engine/api-overview.ts';
import { pending, useAnswer } from '../answers.ts';
import { ApiFailure, paths, remove } from '../api.ts';
import { nowMs, readerZone } from '../clock.ts';
import { connection, loginNeeded, noteFailure, session, takeSession } from '../connection.ts';
import { nav } from '../nav.ts';
import { useAddress } from '../router.ts';
import type { Route } from '../routes.ts';
import { lookOf } from '../states.ts';
import { type Theme, theme } from '../theme.ts';
import { shortTime, wholeTime } from '../times.ts';
import { useWatched } from '../watched.ts';
import { Connections } from './connections.tsx';
import { FollowedRun } from './followed-run.tsx';
import { opened } from './keyboard.tsx';
import { Mark } from './state-mark.tsx';
import { Since } from './time.tsx';

/** Where one is, who leads, and whether what is shown is told as it changes. */
export function TopBar({ route }: { readonly route: Route }) {
  const login = useWatched(loginNeeded);
  const [menu, setMenu] = useState(false);
  const { path } = useAddress();
  useEffect(() => setMenu(false), [path]);
  const here = nav.find(({ pages }) => pages.includes(route.page));
  return (
    <header class="top">
      <UpdatingLine />
      <button type="button" class="menu" aria-expanded={menu} aria-controls="pages" onClick={() => setMenu(!menu)}>
        {here?.name ?? 'Pages'} <span aria-hidden="true">▾</span>
      </button>
      <nav id="pages" aria-label="Pages" class={menu ? 'open' : undefined}>
        {nav.map(({ name, to, pages }) => (
          <a key={to} class="tab" href={to} aria-current={pages.includes(route.page) ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {login ? null : <Leader />}
      {login ? null : <Connections />}
      <span class="top-tools">
        {login ? null : (
          <>
            <button type="button" class="plain" aria-haspopup="dialog" onClick={() => opened.set('search')}>
              <span class="key" aria-hidden="true">
                /
              </span>{' '}
              search
            </button>
            <button type="button" class="plain wide-only" aria-haspopup="dialog" onClick={() => opened.set('help')}>
              <span class="key" aria-hidden="true">
                ?
              </span>{' '}
              keys
            </button>
          </>
        )}
        <Who />
        <ThemeSwitch />
      </span>
      <Banners />
    </header>
  );
}

function Leader() {
  const { data } = useAnswer<Overview>(paths.overview);
  if (data === undefined) return <span class="leader" />;
  const { leader, self } = data.daemon;
  if (leader === undefined)
    return (
      <span class="leader">
        <Mark look={lookOf('failed')} />
        <span>
          <strong class="tone-bad">no leader</strong>: nothing fires by itself
        </span>
      </span>
    );
  const here = leader.host === self.host && leader.pid === self.pid;
  return (
    <span class="leader" title={`engine ${data.engine}, pid ${leader.pid}${here ? ', which serves this page' : ''}`}>
      <span>
        leader <span class="name">{leader.host}</span>, up <Since at={leader.since} />
      </span>
      {here ? null : (
        <span class="quiet">
          this page: <span class="name">{self.host}</span> ({self.pid}), which follows
        </span>
      )}
    </span>
  );
}

/** Whose token it is, and the way out. */
function Who() {
  const who = useWatched(session)?.who;
  if (who === undefined || who === 'local') return null;
  const logout = async (): Promise<void> => {
    try {
      takeSession(await remove<Session>(paths.session));
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      noteFailure(error);
    }
  };
  return (
    <button type="button" class="plain" title={`logged in with the token ${who}`} onClick={() => void logout()}>
      log out {who}
    </button>
  );
}

const nextTheme: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

function ThemeSwitch() {
  const chosen = useWatched(theme);
  return (
    <button
      type="button"
      class="plain"
      aria-label={`Theme: ${chosen}. Change to ${nextTheme[chosen]}`}
      title={`Change to ${nextTheme[chosen]}`}
      onClick={() => theme.set(nextTheme[chosen])}
    >
      theme<span class="wide-only">: {chosen}</span>
    </button>
  );
}

const isSome = (count: number): boolean => count > 0;

/** A thin line while an answer is waited for, once that is long enough to be noticed. */
function UpdatingLine() {
  const busy = useWatched(pending, isSome);
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => show(busy), busy ? 300 : 0);
    return () => window.clearTimeout(timer);
  }, [busy]);
  return <div class={shown ? 'updating on' : 'updating'} aria-hidden="true" />;
}

/** What holds for the whole page: that nothing is told any more, and since when; what became of a run that was asked for. */
function Banners() {
  const login = useWatched(loginNeeded);
  return (
    <div role="status" aria-live="polite" class="banners">
      {login ? null : (
        <>
          <Line />
          <Upgraded />
          <FollowedRun />
        </>
      )}
    </div>
  );
}

/** A page from before an upgrade of the engine asks in the words of the old one. */
function Upgraded() {
  const { data } = useAnswer<Overview>(paths.overview);
  const [first, setFirst] = useState<string>();
  useEffect(() => {
    if (data !== undefined) setFirst((known) => known ?? data.engine);
  }, [data]);
  if (data === undefined || first === undefined || data.engine === first) return null;
  return (
    <p class="banner">
      <span>
        The daemon is engine {data.engine} now, and this page is of {first}.
      </span>
      <button type="button" onClick={() => window.location.reload()}>
        load it again
      </button>
    </p>
  );
}

/** The line to the daemon, and the daemon's to its store. */
function Line() {
  const line = useWatched(connection);
  const { data } = useAnswer<Overview>(paths.overview);
  const down = data?.storeDown;
  if (line.state === 'lost')
    return (
      <p class="banner">
        <Mark look={lookOf('retrying')} />
        <span>
          <strong>Connection lost</strong> at{' '}
          <time title={wholeTime(line.sinceMs, readerZone)}>{shortTime(line.sinceMs, nowMs(), readerZone)}</time>, for{' '}
          <Since at={new Date(line.sinceMs).toISOString()} />. What is shown is from then; it is tried again every few seconds.
        </span>
      </p>
    );
  if (down === undefined) return null;
  return (
    <p class="banner">
      <Mark look={lookOf('retrying')} />
      <span>
        <strong>The state store does not answer</strong> for <Since at={down.since} />: {down.message}. What is shown is from before.
      </span>
    </p>
  );
}
