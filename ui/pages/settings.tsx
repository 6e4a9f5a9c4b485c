import type { ComponentChildren } from 'preact';
import type { ConnectionState, ConnectionsPage } from '../../engine/api-connections.ts';
import type { ChannelView, SettingsPage as Page, PlaceView, TokenView } from '../../engine/api-settings.ts';
import { useAnswer } from '../answers.ts';
import { paths, post, remove } from '../api.ts';
import { session } from '../connection.ts';
import { bytesText, countText, spanText } from '../figures.ts';
import { Acts } from '../parts/act.tsx';
import { ConfigFile } from '../parts/config-file.tsx';
import { ConnectionSays, lookName } from '../parts/connections.tsx';
import { Doctor } from '../parts/doctor.tsx';
import { Joined } from '../parts/joined.tsx';
import { pipelineLink } from '../parts/links.tsx';
import { Empty, Failure, Section, Waiting } from '../parts/messages.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { Mark } from '../parts/state-mark.tsx';
import { Since, Time } from '../parts/time.tsx';
import { lookOf } from '../states.ts';
import { useWatched } from '../watched.ts';
import './settings.css';

/** What is in force, what is wrong in the file, and whether all of it can be reached. */
export function SettingsPage() {
  const { data, failure, refresh } = useAnswer<Page>(paths.settings);
  return (
    <>
      <h1 class="unseen">Settings</h1>
      <ConfigFile />
      {failure === undefined ? null : (
        <Failure
          what={data === undefined ? 'What is in force cannot be shown' : 'What is in force is from before'}
          failure={failure}
          still="In a terminal: engine validate, engine doctor, engine token ls."
        />
      )}
      {data === undefined ? (
        failure === undefined ? (
          <Waiting what="Asking what is in force ..." />
        ) : null
      ) : (
        <div class="columns">
          <div>
            <Doctor />
            <Places page={data} />
          </div>
          <div>
            <Daemon page={data} />
            <Channels channels={data.channels} heartbeat={data.heartbeat} />
            <Tokens tokens={data.tokens} changed={refresh} />
          </div>
        </div>
      )}
    </>
  );
}

function Places({ page: { sources, lake, sinks, dbt, state } }: { readonly page: Page }) {
  const { data, failure } = useAnswer<ConnectionsPage>(paths.connections);
  const stateOf = (kind: ConnectionState['kind'], name?: string): ConnectionState | undefined =>
    data?.connections.find((each) => each.kind === kind && (name === undefined || each.name === name));
  return (
    <Section title="connections" note="without users and passwords">
      {failure === undefined ? null : <Failure what="Whether they answer cannot be shown" failure={failure} />}
      <Scroll label="connections">
        <table class="rows places">
          <thead class="unseen">
            <tr>
              <th scope="col">what</th>
              <th scope="col">name</th>
              <th scope="col">where</th>
            </tr>
          </thead>
          <tbody>
            {sources.map((source) => (
              <Place key={source.name} what="source" place={source} state={stateOf('source', source.name)} />
            ))}
            <Place what="lake" place={lake} state={stateOf('lake')} />
            {sinks.map((sink) => (
              <Place key={sink.name} what="sink" place={sink} state={stateOf('sink', sink.name)}>
                schema {sink.schema}
              </Place>
            ))}
            {dbt === undefined ? null : (
              <Place what="dbt" place={{ name: dbt.command ?? 'own environment', type: '', place: dbt.project }}>
                into sink {dbt.sink}
              </Place>
            )}
            <Place what="store" place={{ name: state.type, type: '', place: state.place }} state={stateOf('store')}>
              {[
                ...(state.schema === undefined ? [] : [`schema ${state.schema}`]),
                ...(state.bytes === undefined ? [] : [bytesText(state.bytes)]),
                ...(state.retention === undefined
                  ? []
                  : [
                      `runs are kept for ${spanText(state.retention.olderThanMs)}, the newest ${countText(state.retention.keepRuns)} of each pipeline always`,
                    ]),
              ].join(', ')}
            </Place>
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

interface PlaceProps {
  readonly what: string;
  readonly place: PlaceView;
  /** Undefined before it was looked at, and for what is not looked at. */
  readonly state?: ConnectionState | undefined;
  readonly children?: ComponentChildren;
}

function Place({ what, place, state, children }: PlaceProps) {
  return (
    <tr>
      <td class="quiet nowrap">{what}</td>
      <th scope="row" class="nowrap">
        <span class="name">{place.name}</span> <span class="quiet">{place.type}</span>
      </th>
      <td class="did">
        <span class="name">{place.place}</span>
        {children === undefined ? null : <span class="line quiet">{children}</span>}
        {state === undefined ? null : (
          <span class="place-state">
            <Mark look={lookOf(lookName(state))} />
            <span>
              <ConnectionSays connection={state} />
            </span>
          </span>
        )}
      </td>
    </tr>
  );
}

function Daemon({ page: { daemon, engine, access, limits } }: { readonly page: Page }) {
  const { leader, self } = daemon;
  return (
    <Section title="daemon">
      <dl class="settings">
        <Fact name="leader">
          {leader === undefined ? (
            <span class="state">
              <Mark look={lookOf('failed')} />
              <span class="tone-bad">none: nothing fires by itself</span>
            </span>
          ) : (
            <>
              <span class="name">{leader.host}</span>, pid {leader.pid}, for <Since at={leader.since} />
            </>
          )}
        </Fact>
        <Fact name="this page">
          <span class="name">{self.host}</span>, pid {self.pid}, for <Since at={self.since} />
          {self.leads ? ', leads' : ', follows'}
        </Fact>
        <Fact name="engine">{engine}</Fact>
        <Fact name="listens at">
          <span class="name">{access.listen}</span>, {access.tls ? 'TLS' : 'without TLS'}
          {access.hosts.length === 0 ? null : <>, also as {access.hosts.join(', ')}</>}
        </Fact>
        <Fact name="token">{access.requireToken ? 'needed by everybody' : 'needed from other machines only'}</Fact>
        <Fact name="runs at once">{countText(limits.maxConcurrentRuns)}</Fact>
        <Fact name="when stopped">its runs have {spanText(limits.shutdownTimeoutMs)} to end</Fact>
      </dl>
    </Section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt class="quiet">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Channels({ channels, heartbeat }: { readonly channels: readonly ChannelView[]; readonly heartbeat: Page['heartbeat'] }) {
  return (
    <Section title="alerts" note="where alarms go" side={<a href="/audit#incidents">what rang</a>}>
      {channels.length === 0 ? (
        <Empty title="Nobody is told of anything">
          <span class="name">{'alerts: { channels: { ops: { type: slack, url: "${SLACK_WEBHOOK_URL}" } } }'}</span> in pipelines.yaml names
          a channel; <span class="name">{'alerts: { to: [ops] }'}</span> in a pipeline has it told.
        </Empty>
      ) : null}
      <ul class="plain-list settings-list">
        {channels.map((channel) => (
          <li key={channel.name}>
            <span class="name">{channel.name}</span>
            <span class="quiet">{channel.off ? 'off: nothing is sent there' : channel.type}</span>
            <span class="did">
              {channel.pipelines.length === 0 ? (
                <span class="quiet">no pipeline rings there</span>
              ) : (
                <Joined names={channel.pipelines} show={pipelineLink} />
              )}
            </span>
            {channel.off ? null : <Acts acts={[testAct(channel)]} />}
          </li>
        ))}
      </ul>
      <p class="quiet prose">
        {heartbeat === undefined
          ? 'No heartbeat is sent: nobody notices when no daemon is there.'
          : `A heartbeat is sent every ${spanText(heartbeat.everyMs)}.`}
      </p>
    </Section>
  );
}

function testAct({ name, type }: ChannelView) {
  return {
    name: 'test',
    label: `send a test to ${name}`,
    confirm: 'send it',
    says: (
      <>
        <p>
          Sends one message to <span class="name">{name}</span> ({type}), which says that somebody asked for a test and that nothing is
          wrong. Whoever reads there sees it.
        </p>
        <p class="quiet">It cannot be taken back. Who asked for it is recorded.</p>
      </>
    ),
    run: async () => {
      await post(paths.testChannel(name));
      return `${name} took it.`;
    },
  };
}

function Tokens({ tokens, changed }: { readonly tokens: readonly TokenView[]; readonly changed: () => void }) {
  const who = useWatched(session)?.who;
  return (
    <Section title="tokens" note={tokens.length === 0 ? undefined : countText(tokens.length)}>
      {tokens.length === 0 ? (
        <Empty title="There is no token">
          Nobody on another machine can use this. <span class="name">engine token create NAME</span> makes one, and shows it once.
        </Empty>
      ) : null}
      <ul class="plain-list settings-list">
        {tokens.map((token) => (
          <li key={token.name}>
            <span class="name">{token.name}</span>
            <span class="quiet">
              made <Time at={token.createdAt} show="away" />
            </span>
            <span class="did quiet">
              {token.usedAt === undefined ? (
                'never used'
              ) : (
                <>
                  used <Time at={token.usedAt} show="away" />
                </>
              )}
              {token.name === who ? ', yours' : ''}
            </span>
            <Acts acts={[revokeAct(token, token.name === who, changed)]} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function revokeAct({ name }: TokenView, isOwn: boolean, changed: () => void) {
  return {
    name: 'revoke',
    label: `revoke the token ${name}`,
    confirm: 'revoke it',
    says: (
      <>
        <p>
          Whoever uses the token <span class="name">{name}</span> is let in no more, at once, and every browser that was logged in with it
          is logged out
          {isOwn ? ': this one too' : ''}.
        </p>
        <p class="quiet">
          It cannot be undone; <span class="name">engine token create {name}</span> makes another one. Who did it is recorded.
        </p>
      </>
    ),
    run: async () => {
      await remove(paths.token(name));
      changed();
      return 'Revoked.';
    },
  };
}
