import { useState } from 'preact/hooks';
import type { ConfigFinding, ConfigPage } from '../../engine/api-settings.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { linesAround } from '../config-lines.ts';
import { countText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { Failure, Section, Waiting } from './messages.tsx';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';
import { Since, Time } from './time.tsx';

/** The file as it is now, each finding at its line, and whether it is what the daemon goes by. */
export function ConfigFile() {
  const { data, failure } = useAnswer<ConfigPage>(paths.config);
  const [whole, setWhole] = useState(false);
  if (data === undefined)
    return (
      <Section title="configuration">
        {failure === undefined ? <Waiting what="Asking for the file ..." /> : <Failure what="The file cannot be shown" failure={failure} />}
      </Section>
    );
  const { file, lines, findings, unreadable } = data;
  const elsewhere = findings.filter((finding) => !isOfFile(finding, file));
  return (
    <Section
      title="configuration"
      note={<span class="name">{file}</span>}
      side={
        lines.length === 0 ? undefined : (
          <button type="button" aria-expanded={whole} onClick={() => setWhole(!whole)}>
            {whole ? 'only what is wrong' : 'show the file'}
          </button>
        )
      }
    >
      {failure === undefined ? null : <Failure what="The file is as it was before" failure={failure} />}
      <Standing page={data} />
      {unreadable === undefined ? null : (
        <p class="state">
          <Mark look={lookOf('failed')} />
          <span>
            <span class="tone-bad">not readable</span>: <Prose text={unreadable} />
          </span>
        </p>
      )}
      {elsewhere.map((finding) => (
        <Finding key={`${finding.file} ${finding.line} ${finding.code}`} finding={finding} withPlace />
      ))}
      {whole || findings.length > elsewhere.length ? <Lines page={data} whole={whole} /> : null}
    </Section>
  );
}

function isOfFile(finding: ConfigFinding, file: string): boolean {
  return file.endsWith(finding.file);
}

function Standing({ page: { inForce, takenAt, refused, findings } }: { readonly page: ConfigPage }) {
  if (refused !== undefined)
    return (
      <p class="state">
        <Mark look={lookOf('failed')} />
        <span>
          <strong class="tone-bad">not taken</strong> since <Time at={refused.at} />: <Prose text={whyText(refused.why, findings.length)} />
          . What was in force before stays in force, for <Since at={takenAt} /> by now. Correct the file and save it: it is taken in by
          itself.
        </span>
      </p>
    );
  if (!inForce)
    return (
      <p class="state">
        <Mark look={lookOf('queued')} />
        <span>The file was changed just now; it is looked at within a second or two.</span>
      </p>
    );
  return (
    <p class="state">
      <Mark look={lookOf('succeeded')} />
      <span>
        In force since <Time at={takenAt} />, as it is in the file. No findings.
      </span>
    </p>
  );
}

/** With how many they are. */
function whyText(why: string, findings: number): string {
  return findings === 0 ? why : why.replace('it has findings', `it has ${countText(findings, 'finding')}`);
}

/** Lines around findings, or all of them, with what is wrong under its place. */
function Lines({ page: { file, lines, findings }, whole }: { readonly page: ConfigPage; readonly whole: boolean }) {
  const here = findings.filter((finding) => isOfFile(finding, file));
  const shown = linesAround(
    lines.length,
    here.map(({ line }) => line),
    whole ? lines.length : 3,
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard.
    <section class="yaml" aria-label="lines of pipelines.yaml" tabIndex={0}>
      <div>
        {shown.map((number, n) => {
          const found = here.filter(({ line }) => line === number);
          const isGap = n > 0 && shown[n - 1] !== number - 1;
          return (
            <div key={number}>
              {isGap ? <div class="yaml-gap yaml-line"> ...</div> : null}
              <div class={found.length === 0 ? 'yaml-line' : 'yaml-line yaml-found'} id={`line-${number}`}>
                <span class="yaml-number">{number}</span>
                <span>{lines[number - 1]}</span>
              </div>
              {found.map((finding) => (
                <div key={`${finding.column} ${finding.code} ${finding.message}`}>
                  {finding.column === undefined ? null : (
                    <div class="yaml-line" aria-hidden="true">
                      <span class="yaml-number" />
                      <span class="yaml-under">
                        {(lines[number - 1] ?? '').slice(0, finding.column - 1).replace(/[^\t]/g, ' ')}
                        {'~'.repeat(Math.max(1, finding.length ?? 1))}
                      </span>
                    </div>
                  )}
                  <Finding finding={finding} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </section>
  );
}

function Finding({ finding, withPlace = false }: { readonly finding: ConfigFinding; readonly withPlace?: boolean }) {
  const { message, hint, code, file, line, severity } = finding;
  const look = lookOf(severity === 'error' ? 'failed' : 'retrying');
  return (
    <div class="yaml-finding">
      <span class="state">
        <Mark look={look} label={severity} />
        <span>
          {withPlace ? (
            <span class="name">
              {file}:{line}{' '}
            </span>
          ) : null}
          <Prose text={message} /> <span class="code">{code}</span>
        </span>
      </span>
      {hint === undefined ? null : (
        <span class="hint">
          What to do: <Prose text={hint} />
        </span>
      )}
    </div>
  );
}
