import type { Client } from 'pg';
import type { Checkup, CheckupRequest } from '../../engine/connector.ts';
import { errorData } from '../../engine/error.ts';
import { checkSink } from './checkup-sink.ts';
import { checkTable } from './checkup-table.ts';
import { existingPostgresExtension } from './extension.ts';
import { quoteIdentifier } from './identifier.ts';
import type { PostgresServer } from './server.ts';
import { readServerFacts, type ServerFacts } from './snapshot.ts';

/** Looks at a Postgres database as a source or a sink: reached, rights, and what will hurt. Reads only; what is wrong is told, not thrown. `schema` is the one of staging tables, `extensionFolder` the configured one. */
export async function checkup(
  server: PostgresServer,
  schema: string,
  request: CheckupRequest,
  extensionFolder: string | undefined,
): Promise<readonly Checkup[]> {
  const found: Checkup[] = [];
  let client: Client | undefined;
  try {
    client = await server.connect('doctor');
    client.on('error', () => undefined);
    await client.query('SET default_transaction_read_only = on');
    const facts = await readServerFacts(client);
    const role = await roleOf(client);
    found.push({ subject: 'server', outcome: 'ok', message: `PostgreSQL ${role.version}, database ${facts.database}, as ${role.name}` });
    if (request.as === 'source') {
      found.push(...(await checkSource(client, facts, role)));
      for (const { table, incremental } of request.tables) {
        request.signal.throwIfAborted();
        found.push(...(await checkTable(client, table, incremental, facts.timeZones)));
      }
    } else {
      const targets = request.tables.map(({ table }) => table);
      found.push(...(await checkSink(client, facts, role.name, schema, targets)));
    }
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    const { message, hint } = errorData(error);
    found.push({ subject: 'server', outcome: 'fail', message, ...(hint === undefined ? {} : { hint }) });
  } finally {
    await client?.end().catch(() => undefined);
  }
  if (request.as === 'source') found.push(await checkExtension(extensionFolder));
  return found;
}

async function checkExtension(folder: string | undefined): Promise<Checkup> {
  const subject = 'extension';
  const path = await existingPostgresExtension({ folder });
  if (path !== undefined) return { subject, outcome: 'ok', message: `DuckDB's postgres extension is ${path}` };
  const hint = 'Run `engine setup` while there is a network, or name its folder in `extract: { extensionFolder: ... }`.';
  return { subject, outcome: 'warn', message: "DuckDB's postgres extension is not here yet; the first extract fetches it", hint };
}

interface Role {
  readonly name: string;
  readonly version: string;
  readonly trackActivities: boolean;
  readonly encoding: string;
}

async function roleOf(client: Client): Promise<Role> {
  const { rows } = await client.query<Role>(`
    SELECT current_user::text AS name, split_part(current_setting('server_version'), ' ', 1) AS version,
           current_setting('track_activities')::bool AS "trackActivities", current_setting('server_encoding') AS encoding`);
  const row = rows[0];
  if (row === undefined) throw new Error('the server gave no answer about itself');
  return row;
}

/** What stands in the way of a fence, and of exact text, in the database as a whole. */
async function checkSource(client: Client, facts: ServerFacts, role: Role): Promise<Checkup[]> {
  const found: Checkup[] = [];
  const warn = (subject: string, message: string, hint: string): void => void found.push({ subject, outcome: 'warn', message, hint });
  if (facts.versionNumber < 120000)
    warn('server', `PostgreSQL ${role.version} is older than 12, the oldest that is cared for`, 'Upgrade the server.');
  if (facts.seesAll) found.push({ subject: 'rights', outcome: 'ok', message: 'sees when other sessions began (pg_read_all_stats)' });
  else
    warn(
      'rights',
      'may not see when other transactions began: the fence waits for sessions that it cannot see into, and misses several transactions sent in one message',
      `GRANT pg_read_all_stats TO ${quoteIdentifier(role.name)};`,
    );
  if (!role.trackActivities)
    warn(
      'server',
      'track_activities is off: when transactions began is hidden from everybody',
      'ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf();',
    );
  if (facts.standby) {
    warn(
      'standby',
      'is a standby, which is never exact: transactions of its primary are invisible, and one longer than the lookback (10m) can be missed',
      'Read from the primary, or set `lookback` above the longest transaction and run a full pipeline from time to time.',
    );
    if (!facts.standbyFeedback)
      warn(
        'standby',
        'hot_standby_feedback is off: long extracts can be cancelled',
        'ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_reload_conf();',
      );
    if (facts.replayPaused) warn('standby', 'replay is paused: the fence stands still', 'SELECT pg_wal_replay_resume();');
  }
  if (role.encoding === 'SQL_ASCII')
    warn(
      'server',
      'the database is in SQL_ASCII: its texts may be no valid UTF-8, which an extract then refuses',
      'Move it to a database with ENCODING UTF8.',
    );
  const prepared = await client.query<{ gid: string; owner: string; since: string }>(
    `SELECT gid, owner::text AS owner, to_char(prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
     FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() ORDER BY prepared`,
  );
  for (const { gid, owner, since } of prepared.rows)
    warn(
      'prepared transaction',
      `'${gid}' of ${owner} has been open since ${since}: while there is one the fence does not move`,
      `As its owner: COMMIT PREPARED '${gid.replaceAll("'", "''")}'; or ROLLBACK PREPARED '${gid.replaceAll("'", "''")}';`,
    );
  found.push(...(await timesFromElsewhere(client)));
  return found;
}

/** Writers whose times are not those of their transaction here, as far as the catalog tells: `lookback` has to cover their delay. */
async function timesFromElsewhere(client: Client): Promise<Checkup[]> {
  const found: Checkup[] = [];
  const warn = (subject: string, message: string, hint: string): void => void found.push({ subject, outcome: 'warn', message, hint });
  const subscriptions = await client.query<{ name: string }>(
    `SELECT s.subname::text AS name FROM pg_catalog.pg_subscription s
     WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) ORDER BY 1`,
  );
  if (subscriptions.rows.length > 0)
    warn(
      'replication',
      `rows come by logical replication (${subscriptions.rows.map((s) => s.name).join(', ')}): their times are the publisher's, older than their commit here`,
      'Set `lookback` above the longest delay of the subscription.',
    );
  const replica = await client.query<{ who: string }>(
    `SELECT concat_ws(' in ', CASE WHEN r.setrole <> 0 THEN 'role ' || pg_get_userbyid(r.setrole) END, CASE WHEN r.setdatabase <> 0 OR r.setrole = 0 THEN 'the database' END) AS who
     FROM pg_catalog.pg_db_role_setting r CROSS JOIN LATERAL unnest(r.setconfig) AS s(setting)
     WHERE r.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) AND s.setting = 'session_replication_role=replica'
     UNION ALL SELECT 'the server' FROM pg_catalog.pg_settings WHERE name = 'session_replication_role' AND reset_val = 'replica' AND source = 'configuration file'
     ORDER BY 1`,
  );
  for (const { who } of replica.rows)
    warn(
      'triggers',
      `session_replication_role is replica for ${who}: triggers that set a cursor do not fire there, and such changes are missed`,
      'Have those writers set the cursor themselves (ALTER TABLE ... ENABLE ALWAYS TRIGGER fires for them too), or run a full pipeline after them.',
    );
  const foreign = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'postgres_fdw%'`,
  );
  if ((foreign.rows[0]?.n ?? 0) > 0)
    warn(
      'postgres_fdw',
      'another server writes or reads here by postgres_fdw: its now() is older than its transaction here',
      'Where it writes, set `lookback` above its longest transaction.',
    );
  return found;
}
