import { Fragment } from 'preact';
import type { DoctorCheck, DoctorPage } from '../../engine/api-settings.ts';
import { useAnswer } from '../answers.ts';
import { paths, post } from '../api.ts';
import { durationText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { Acts } from './act.tsx';
import { Empty, Failure, Section, Waiting } from './messages.tsx';
import { Prose } from './prose.tsx';
import { Mark } from './state-mark.tsx';
import { Since, Time } from './time.tsx';

/** Whether everything can be reached, and what will hurt: what `engine doctor` says. */
export function Doctor() {
  const { data, failure, refresh } = useAnswer<DoctorPage>(paths.doctor);
  const last = data?.last;
  return (
    <Section
      title="health"
      note={
        last === undefined ? undefined : (
          <>
            as of <Time at={last.at} />, asked for by {last.by}, took {durationText(last.tookMs)}
          </>
        )
      }
    >
      <div class="checks-look">
        <Acts
          acts={[
            {
              name: 'look now',
              label: 'look whether everything can be reached',
              confirm: 'look now',
              says: (
                <>
                  <p>
                    Connects to every source and sink, the lake and dbt as <span class="name">engine doctor</span> does, and looks at their
                    rights, and in the sources at the tables of all pipelines. It only reads.
                  </p>
                  <p class="quiet">
                    It takes some seconds, up to 80. What it finds is kept until the daemon ends. Who asked for it is recorded.
                  </p>
                </>
              ),
              run: async () => {
                const { last: found } = await post<DoctorPage>(paths.doctor);
                refresh();
                return (found?.checks ?? []).some(({ outcome }) => outcome !== 'ok')
                  ? 'Looked: what is not well is below.'
                  : 'Looked: all is well.';
              },
            },
          ]}
        />
      </div>
      {failure === undefined ? null : <Failure what="What was found cannot be shown" failure={failure} />}
      {data?.runningSince === undefined ? null : (
        <p class="state" role="status">
          <Mark look={lookOf('running')} />
          <span>
            looks for <Since at={data.runningSince} />
          </span>
        </p>
      )}
      {data === undefined && failure === undefined ? <Waiting what="Asking what was found ..." /> : null}
      {data !== undefined && last === undefined && data.runningSince === undefined ? (
        <Empty title="Nobody has looked yet">
          <strong>look now</strong> finds out what can be reached, with what rights, and what in the databases will hurt.
        </Empty>
      ) : null}
      {last === undefined ? null : <Checks checks={last.checks} />}
    </Section>
  );
}

function countsText(checks: readonly DoctorCheck[]): string {
  const count = (outcome: DoctorCheck['outcome']): number => checks.filter((check) => check.outcome === outcome).length;
  return `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} that a run would fail on.`;
}

const looks = {
  ok: { ...lookOf('succeeded'), word: 'ok' },
  warn: { ...lookOf('retrying'), word: 'to look at' },
  fail: { ...lookOf('failed'), word: 'fails' },
} as const;

function Checks({ checks }: { readonly checks: readonly DoctorCheck[] }) {
  const parts = [...new Set(checks.map(({ part }) => part))];
  return (
    <>
      <p class="quiet">{countsText(checks)}</p>
      <table class="rows checks">
        <caption class="unseen">What was found</caption>
        <tbody>
          {parts.map((part) => (
            <Fragment key={part}>
              <tr>
                <th scope="rowgroup" colSpan={2} class="checks-part">
                  {part}
                </th>
              </tr>
              {checks
                .filter((check) => check.part === part)
                .map(({ subject, outcome, message, hint }) => (
                  <tr key={`${subject} ${message}`}>
                    <td class="nowrap">
                      <span class="state">
                        <Mark look={looks[outcome]} />
                        <span class={`tone-${looks[outcome].tone}`}>{looks[outcome].word}</span>
                      </span>
                    </td>
                    <td class="did">
                      <span class="name">{subject}</span>: <Prose text={message} />
                      {hint === undefined ? null : (
                        <p class="hint">
                          What to do: <Prose text={hint} />
                        </p>
                      )}
                    </td>
                  </tr>
                ))}
            </Fragment>
          ))}
        </tbody>
      </table>
    </>
  );
}
