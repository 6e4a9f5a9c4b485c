import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { NodeRun } from '../../engine/run.ts';
import { address, paths } from '../api.ts';
import { readerZone } from '../clock.ts';
import { filterLines, isFiltered, levels, logFilter } from '../log-filter.ts';
import { countOfLog, type ShownLine, shownLines } from '../log-lines.ts';
import { wrapLines } from '../log-wrap.ts';
import { setQuery, useAddress } from '../router.ts';
import { useRunLog } from '../run-log.ts';
import { clockTime, wholeTime } from '../times.ts';
import { visibleLines } from '../windowing.ts';
import { LogProbe, useLogFit } from './log-fit.tsx';
import { Failure } from './messages.tsx';
import './log-view.css';
import { SearchBox } from './search-box.tsx';

const lineHeight = 20;

interface Props {
  readonly runId: string;
  /** Of the newest event of the run. */
  readonly seq: number | undefined;
  readonly nodes: readonly NodeRun[];
  readonly live: boolean;
}

/** The log of a run: only the lines on the screen are drawn. What it holds is text, never markup. */
export function LogView({ runId, seq, nodes, live }: Props) {
  const log = useRunLog(runId, seq);
  const { query } = useAddress();
  const filter = logFilter(query);
  const { node, attempt, level, search } = filter;
  const sought = Number(query.get('line') ?? Number.NaN);
  const [follow, setFollow] = useState(live && Number.isNaN(sought));
  const attempts = nodes.find(({ id }) => id === node)?.attempts;
  // Of the nodes only the attempts of that one count, of the filter what it holds.
  const found = useMemo(
    () => filterLines(log.lines, filter, nodes),
    [log.lines, node, attempt, level, search, attempt === undefined ? undefined : attempts],
  );
  const lines = useMemo(() => shownLines(found), [found]);
  const frame = useRef<HTMLDivElement>(null);
  const fit = useLogFit(frame);
  const wrapped = useMemo(() => wrapLines(lines, fit), [lines, fit]);
  const filtered = isFiltered(filter);
  const part = useRef<HTMLElement>(null);
  // The part is not there yet when its link is followed.
  useEffect(() => {
    if (window.location.hash === '#log') part.current?.scrollIntoView();
  }, []);
  return (
    <section id="log" ref={part} aria-label="log" class="log">
      <div class="section-head">
        <h2>log</h2>
        <span class="quiet">
          {countOfLog(found.length, log.lines.length, filtered)}
          {log.reading ? ', reading on' : ''}
          {log.cut ? '; older ones are in the download only' : ''}
        </span>
        <span class="side log-tools">
          <label>
            <input type="checkbox" aria-keyshortcuts="f" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />{' '}
            follow
          </label>
          <select
            aria-label="node"
            value={node ?? ''}
            onChange={(event) => setQuery({ node: event.currentTarget.value, attempt: undefined })}
          >
            <option value="">all nodes</option>
            {nodes.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
          {attempts === undefined || attempts.length < 2 ? null : (
            <select
              aria-label="attempt"
              value={attempt === undefined ? '' : String(attempt)}
              onChange={(event) => setQuery({ attempt: event.currentTarget.value })}
            >
              <option value="">all attempts</option>
              {attempts.map((one) => (
                <option key={one.attempt} value={String(one.attempt)}>
                  attempt {one.attempt}
                </option>
              ))}
            </select>
          )}
          <select
            aria-label="level"
            value={level}
            onChange={(event) => setQuery({ level: event.currentTarget.value === 'debug' ? undefined : event.currentTarget.value })}
          >
            {levels.map((one) => (
              <option key={one} value={one}>
                {one === 'debug' ? 'all levels' : one === 'error' ? 'errors' : `${one} and above`}
              </option>
            ))}
          </select>
          <SearchBox label="search the log" placeholder="search" search={search} />
          <a
            class="button"
            href={address(
              paths.runLogText(runId, { node, attempt: attempt?.toString(), level: level === 'debug' ? undefined : level, search }),
            )}
            download={`run-${runId}.txt`}
          >
            download{filtered ? ' these' : ''}
          </a>
        </span>
      </div>
      {log.failure === undefined ? null : (
        <Failure what="The log cannot be read" failure={log.failure} still="What was read is below; it is tried again every few seconds." />
      )}
      <div class="log-frame" ref={frame}>
        <LogProbe />
        <Lines
          lines={wrapped}
          sought={sought}
          follow={follow}
          stopFollowing={() => setFollow(false)}
          empty={log.reading ? 'Reading ...' : filtered ? 'No message matches.' : 'Nothing has been written yet.'}
        />
      </div>
    </section>
  );
}

interface LinesProps {
  readonly lines: readonly ShownLine[];
  /** The `seq` of a line that the address asks for; NaN for none. */
  readonly sought: number;
  readonly follow: boolean;
  readonly stopFollowing: () => void;
  readonly empty: string;
}

function Lines({ lines, sought, follow, stopFollowing, empty }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 400 });
  const { first, end } = visibleLines(lines.length, lineHeight, place.top, place.height);
  const [stopped, stopAt] = useState<number>();
  const focusing = useRef(false);
  // One stop for the keyboard among the links of lines: the one it was at, else the one that is sought, else the first on the screen.
  const isShown = (at: number): boolean => at >= first && at < end;
  const stop =
    [stopped, sought].map((seq) => lines.findIndex((line) => line.seq === seq)).find(isShown) ??
    lines.findIndex(({ at }, index) => at !== undefined && index * lineHeight >= place.top);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setPlace({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, lines]);
  const soughtAt = lines.findIndex(({ seq }) => seq >= sought);
  const isThere = soughtAt >= 0;
  // Once, when the line has been read: where the reader goes then is the reader's.
  useLayoutEffect(() => {
    const element = box.current;
    if (!isThere || element === null) return;
    element.scrollTop = Math.max(0, soughtAt * lineHeight - element.clientHeight / 3);
  }, [sought, isThere]);
  useLayoutEffect(() => {
    if (!focusing.current) return;
    focusing.current = false;
    box.current?.querySelector<HTMLElement>('a[tabindex="0"]')?.focus({ preventScroll: true });
  });
  const moved = (event: KeyboardEvent): void => {
    const element = box.current;
    // The box itself scrolls by the same keys.
    if (element === null || event.target === element) return;
    const to = lineStep(lines, stop, event.key, Math.floor(place.height / lineHeight) - 1);
    const line = to === undefined ? undefined : lines[to];
    if (to === undefined || line === undefined) return;
    event.preventDefault();
    stopFollowing();
    const top = to * lineHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + lineHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + lineHeight - element.clientHeight;
    focusing.current = true;
    setPlace({ top: element.scrollTop, height: element.clientHeight });
    stopAt(line.seq);
  };
  const scrolled = (element: HTMLDivElement): void => {
    const { scrollTop, clientHeight, scrollHeight } = element;
    // Somebody who scrolls up wants to read there.
    if (follow && scrollTop < place.top && scrollTop + clientHeight < scrollHeight - lineHeight) stopFollowing();
    setPlace({ top: scrollTop, height: clientHeight });
  };
  return (
    <div
      class="log-lines"
      ref={box}
      onScroll={(event) => scrolled(event.currentTarget)}
      onKeyDown={moved}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
      tabIndex={0}
      role="log"
      aria-label="lines of the log"
      aria-live="off"
    >
      {lines.length === 0 ? <p class="quiet">{empty}</p> : null}
      <div class="log-space" style={{ height: `${lines.length * lineHeight}px` }}>
        <div class="log-shown" style={{ transform: `translateY(${first * lineHeight}px)` }}>
          {lines.slice(first, end).map((line, at) => (
            <Line key={line.key} line={line} isSought={line.seq === sought} isStop={first + at === stop} />
          ))}
        </div>
      </div>
    </div>
  );
}

/** The line with a link that a key leads to from another one. */
function lineStep(lines: readonly ShownLine[], from: number, key: string, page: number): number | undefined {
  const last = lines.length - 1;
  const ways: Readonly<Record<string, readonly [number, 1 | -1]>> = {
    ArrowUp: [from - 1, -1],
    ArrowDown: [from + 1, 1],
    PageUp: [Math.max(0, from - page), -1],
    PageDown: [Math.min(last, from + page), 1],
    Home: [0, 1],
    End: [last, -1],
  };
  const way = ways[key];
  if (way === undefined) return undefined;
  let [at, step] = way;
  // Further lines of one entry have no time of their own.
  while (at >= 0 && at <= last && lines[at]?.at === undefined) at += step;
  return at >= 0 && at <= last ? at : undefined;
}

interface LineProps {
  readonly line: ShownLine;
  readonly isSought: boolean;
  /** The keyboard stops at its link. */
  readonly isStop: boolean;
}

function Line({ line, isSought, isStop }: LineProps) {
  const at = line.at === undefined ? undefined : Date.parse(line.at);
  const word = line.level === 'error' || line.level === 'warn' ? line.level : '';
  return (
    <div class={`log-line level-${line.level}${isSought ? ' sought' : ''}`} aria-current={isSought ? 'location' : undefined}>
      {at === undefined ? (
        <span class="log-time" />
      ) : (
        <a
          class="log-time"
          href={lineAddress(line.seq)}
          title={`${wholeTime(at, readerZone)}; a link to this line`}
          tabIndex={isStop ? 0 : -1}
        >
          <time dateTime={line.at}>{clockTime(at, readerZone)}</time>
        </a>
      )}
      <span class="log-level">{at === undefined ? '' : word}</span>
      <span class="log-node" title={line.node}>
        {at === undefined ? '' : line.node}
      </span>
      <span class="log-text">{line.text}</span>
    </div>
  );
}

/** The address of this page with the line that is asked for; filters stay. */
function lineAddress(seq: number): string {
  const query = new URLSearchParams(window.location.search);
  query.set('line', String(seq));
  return `${window.location.pathname}?${query.toString()}`;
}
