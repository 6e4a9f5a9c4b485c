import { useEffect, useErrorBoundary, useLayoutEffect, useRef } from 'preact/hooks';
import { loginNeeded } from './connection.ts';
import { AuditPage } from './pages/audit.tsx';
import { LoginPage } from './pages/login.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PipelinePage } from './pages/pipeline.tsx';
import { RunPage } from './pages/run.tsx';
import { RunsPage } from './pages/runs.tsx';
import { SchedulePage } from './pages/schedule.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { TablePage } from './pages/table.tsx';
import { TablesPage } from './pages/tables.tsx';
import { ErrorBox } from './parts/error-box.tsx';
import { Keyboard } from './parts/keyboard.tsx';
import { Empty } from './parts/messages.tsx';
import { Said } from './parts/said.tsx';
import { TopBar } from './parts/top-bar.tsx';
import { useAddress } from './router.ts';
import { type Route, routeOf } from './routes.ts';
import { useWatched } from './watched.ts';

/** The page: a bar that is always there, and what the address asks for. */
export function App() {
  const { path } = useAddress();
  const login = useWatched(loginNeeded);
  const route = routeOf(path);
  const title = titleOf(route);
  useEffect(() => {
    document.title = title;
  }, [title]);
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  // Another page begins at its beginning, for the keyboard as for who hears it; a filter leaves the focus where it is.
  useLayoutEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <TopBar route={route} />
      {login ? null : <Keyboard />}
      <main id="main" ref={main} tabIndex={-1} aria-label={login ? 'Log in' : title}>
        <Said path={path} />
        {login ? <LoginPage /> : <Whole key={path} route={route} />}
      </main>
    </>
  );
}

/** A page that cannot be drawn says so, and leaves the bar above it as it is. */
function Whole({ route }: { readonly route: Route }) {
  const [broken] = useErrorBoundary((error: unknown) => window.reportError(error));
  if (broken === undefined) return <Page route={route} />;
  return (
    <ErrorBox
      what={<strong>This page has a defect</strong>}
      error={{
        code: 'page.defect',
        message: broken instanceof Error ? broken.message : String(broken),
        hint: 'Load it again. In a terminal `engine status`, `engine runs` and `engine logs` show the same.',
      }}
    />
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'overview':
      return <OverviewPage />;
    case 'runs':
      return <RunsPage />;
    case 'run':
      return <RunPage key={route.runId} runId={route.runId} />;
    case 'pipeline':
      return <PipelinePage key={route.pipeline} pipeline={route.pipeline} />;
    case 'tables':
      return <TablesPage />;
    case 'table':
      return <TablePage key={route.table} table={route.table} />;
    case 'schedule':
      return <SchedulePage />;
    case 'audit':
      return <AuditPage />;
    case 'settings':
      return <SettingsPage />;
    case 'unknown':
      return (
        <>
          <h1 class="unseen">Not found</h1>
          <Empty title="There is nothing at this address">
            The <a href="/">overview</a> has all pipelines, <a href="/runs">runs</a> has everything that ran.
          </Empty>
        </>
      );
  }
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'overview':
      return 'Overview';
    case 'runs':
      return 'Runs';
    case 'run':
      return `Run ${route.runId}`;
    case 'pipeline':
      return route.pipeline;
    case 'tables':
      return 'Tables';
    case 'table':
      return route.table;
    case 'schedule':
      return 'Schedule';
    case 'audit':
      return 'Audit';
    case 'settings':
      return 'Settings';
    case 'unknown':
      return 'Not found';
  }
}
