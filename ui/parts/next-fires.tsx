import type { PipelinePage, ScheduleView } from '../../engine/api.ts';
import { readerZone } from '../clock.ts';
import { lookOf } from '../states.ts';
import { isoInZone, sameClock } from '../times.ts';
import { Empty, Section } from './messages.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';

/** When a pipeline fires next, in the reader's time and that of its schedule; days on which clocks are set are marked. */
export function NextFires({ page }: { readonly page: PipelinePage }) {
  const { schedules, paused } = page;
  return (
    <Section title="next" note={paused === undefined ? 'when it fires' : 'paused: when it would fire'}>
      {schedules.length === 0 ? (
        <Empty title="It has no schedule">
          <span class="name">schedule: {'{ cron: "0 2 * * *", timezone: UTC }'}</span> in pipelines.yaml gives it one; its next times are
          here then.
        </Empty>
      ) : null}
      {schedules.map((schedule) => (
        <Fires key={`${schedule.cron} ${schedule.timezone}`} schedule={schedule} />
      ))}
    </Section>
  );
}

function Fires({ schedule }: { readonly schedule: ScheduleView }) {
  const { cron, timezone, words, fires } = schedule;
  const other = fires.some(({ at }) => !sameClock(Date.parse(at), timezone, readerZone));
  return (
    <Scroll label={`next times, ${words}`}>
      <table class="rows">
        <caption>
          {words} <span class="name quiet">{cron}</span> <span class="quiet">{timezone}</span>
        </caption>
        <thead class="unseen">
          <tr>
            <th scope="col">your time</th>
            {other ? <th scope="col">{timezone}</th> : null}
            <th scope="col">note</th>
          </tr>
        </thead>
        <tbody>
          {fires.map(({ at, clocksSet }) => (
            <tr key={at}>
              <td class="nowrap">
                <Time at={at} />
              </td>
              {other ? <td class="nowrap quiet">{isoInZone(Date.parse(at), timezone).slice(0, 16).replace('T', ' ')} there</td> : null}
              <td>
                {clocksSet ? (
                  <span class="state">
                    <Mark look={lookOf('retrying')} />
                    <span class="tone-warn">clocks are set that day</span>
                  </span>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
