import { useEffect, useRef, useState } from 'preact/hooks';
import type { PipelineYaml, YamlLine, YamlPart } from '../../engine/api-pipeline.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { lookOf } from '../states.ts';
import { Failure, Section, Waiting } from './messages.tsx';
import { Mark } from './state-mark.tsx';
import './yaml-view.css';

/** The lines of the configuration in force that declare a pipeline; `#L12` leads to one of them. */
export function YamlView({ pipeline }: { readonly pipeline: string }) {
  const { data, failure } = useAnswer<PipelineYaml>(paths.yaml(pipeline));
  return (
    <Section
      title="declared"
      note={data === undefined ? undefined : <span class="name">{data.file}</span>}
      side={data === undefined ? undefined : <Parts parts={data.parts} />}
    >
      {failure === undefined ? null : <Failure what="What declares it is not up to date" failure={failure} />}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking for its lines ..." />
        ) : null
      ) : (
        <>
          {data.newer ? (
            <p class="warning">
              <Mark look={lookOf('retrying')} />
              <span>
                <span class="tone-warn">The file is another one by now</span>, and is not in force: it has findings.{' '}
                <a href="/settings">Settings</a> has them at their lines. What is in force is below.
              </span>
            </p>
          ) : null}
          <Lines lines={data.lines} pipeline={pipeline} own={data.parts.find(({ kind }) => kind === 'pipeline')?.line} />
        </>
      )}
    </Section>
  );
}

const mostParts = 8;

/** What stands where. Many tables are left to the lines themselves. */
function Parts({ parts }: { readonly parts: readonly YamlPart[] }) {
  const shown = parts.length > mostParts ? parts.filter(({ kind }) => kind !== 'table') : parts;
  return (
    <span class="declared-parts">
      {shown.map(({ kind, name, line }) => (
        <a key={`${kind} ${name}`} href={`#L${line}`}>
          {kind}
          {name === '' || kind === 'pipeline' ? null : (
            <>
              {' '}
              <span class="name">{name}</span>
            </>
          )}
        </a>
      ))}
    </span>
  );
}

/** The line that the address names. */
function useLine(): number | undefined {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const look = (): void => setHash(window.location.hash);
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, []);
  const line = /^#L(\d{1,7})$/.exec(hash)?.[1];
  return line === undefined ? undefined : Number(line);
}

interface LinesProps {
  readonly lines: readonly YamlLine[];
  readonly pipeline: string;
  /** The first line of the pipeline itself. */
  readonly own: number | undefined;
}

function Lines({ lines, pipeline, own }: LinesProps) {
  const chosen = useLine();
  const frame = useRef<HTMLDivElement>(null);
  // Where no line is named, what the pipeline itself says is seen first, with what is above it.
  useEffect(() => {
    const line = frame.current?.querySelector<HTMLElement>(`#L${own}`);
    if (frame.current !== null && line instanceof HTMLElement) frame.current.scrollTop = line.offsetTop - frame.current.offsetTop - above;
  }, [own]);
  // The browser looked for it before it was there.
  useEffect(() => {
    if (chosen !== undefined) frame.current?.querySelector(`#L${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const reached = { tabIndex: 0, role: 'group', 'aria-label': `lines that declare ${pipeline}` } as const;
  return (
    <div class="declared" ref={frame} {...reached}>
      {lines.map(({ line, text }, i) => (
        <div key={line} id={`L${line}`} class={lineClass(line === chosen, i > 0 && lines[i - 1]?.line !== line - 1)}>
          <a class="declared-number" href={`#L${line}`} tabIndex={-1} aria-label={`line ${line}`}>
            {line}
          </a>
          <code>{text}</code>
        </div>
      ))}
    </div>
  );
}

const above = 120;

function lineClass(chosen: boolean, apart: boolean): string {
  return `declared-line${chosen ? ' declared-chosen' : ''}${apart ? ' declared-apart' : ''}`;
}
