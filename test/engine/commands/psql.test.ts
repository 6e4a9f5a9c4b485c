import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';

const pipelines = `version: 1
sources:
  production: { type: postgres, url: embedded }
lake: { type: file, path: .engine/lake }
sinks:
  warehouse: { type: postgres, url: embedded, schema: staging }
tables:
  users: { key: id, source: production, sink: warehouse }
pipelines:
  all: { mode: full, tables: [users] }
`;
const fake = `#!/bin/sh
echo "$PGHOST $PGUSER $PGDATABASE $PGSSLMODE"
echo "args: $*"
test -n "$PGPASSWORD" && test -z "$PGHOSTADDR" && test -z "$PGSERVICE" && echo clean
exit \${FAKE_EXIT:-0}
`;

suite('up, down and psql', (s) => {
  let rig: Rig;
  let noPsql: string;
  s.before(async () => {
    rig = await createRig({ 'pipelines.yaml': pipelines });
    // A PATH with nothing on it but what a server's start may need.
    noPsql = join(rig.root, 'bin');
    mkdirSync(noPsql);
    symlinkSync('/usr/bin/id', join(noPsql, 'id'));
    rig.env.PATH = noPsql;
  });
  s.after(() => rig.cleanup());

  s.test('up keeps the servers running and says how to connect, without the password; down stops them', async () => {
    const up = await rig.engine('up');
    assert.is(up.code, 0, up.stderr);
    const password = readFileSync(join(rig.root, '.engine/postgres/production/password'), 'utf8').trim();
    assert.match(up.stdout, /engine psql production[\s\S]*engine psql warehouse/);
    assert.not.ok(`${up.stdout}${up.stderr}`.includes(password));
    const again = await rig.json('up');
    const servers = again.documents[0]?.servers as { name: string; port: number }[];
    assert.equal(
      servers.map((server) => server.name),
      ['production', 'warehouse'],
    );
    assert.match(up.stdout, `-p ${servers[0]?.port} `);
    const down = await rig.json('down');
    assert.equal(down.documents[0]?.servers, [
      { name: 'production', state: 'stopped' },
      { name: 'warehouse', state: 'stopped' },
    ]);
    assert.match((await rig.engine('down')).stdout, 'was not running');
  });

  s.test('psql -c works without a psql, as a table and as JSON', async () => {
    const found = await rig.engine('psql', 'source', '-c', "SELECT 1 AS number, 'é' AS text UNION ALL SELECT 20, NULL");
    assert.is(found.code, 0, found.stderr);
    assert.is(found.stdout.trim(), ['number | text', '--------+------', ' 1      | é', ' 20     |', '(2 rows)'].join('\n').trim());
    const json = await rig.json('psql', 'warehouse', '-c', 'SELECT 9007199254740993 AS big, NULL AS nothing; CREATE TABLE t ()');
    assert.equal(json.documents[0]?.results, [
      { command: 'SELECT', columns: ['big', 'nothing'], rows: [['9007199254740993', null]], count: 1 },
      { command: 'CREATE', columns: [], rows: [], count: null },
    ]);
    const wrong = await rig.engine('psql', 'source', '-c', 'SELECT nonsense');
    assert.is(wrong.code, 1);
    assert.match(wrong.stderr, 'column "nonsense" does not exist');
  });

  s.test('a shell without a psql says what to install and where the password is', async () => {
    const found = await rig.engine('psql', 'warehouse');
    assert.is(found.code, 3);
    assert.match(found.stderr, /no psql on the PATH[\s\S]*database warehouse[\s\S]*\.engine\/postgres\/warehouse\/password/);
  });

  s.test('psql gets the connection by environment only, and its exit code counts', async () => {
    const folder = join(rig.root, 'with-psql');
    rig.write('with-psql/psql', fake);
    const { chmodSync } = await import('node:fs');
    chmodSync(join(folder, 'psql'), 0o755);
    Object.assign(rig.env, { PATH: `${folder}:${noPsql}:${dirname('/bin/sh')}`, PGHOSTADDR: '192.0.2.1', PGSERVICE: 'none' });
    const found = await rig.engine('psql', 'warehouse', '-c', 'SELECT 1');
    assert.is(found.stdout, '127.0.0.1 engine warehouse disable\nargs: -v ON_ERROR_STOP=1 -c SELECT 1\nclean\n', found.stderr);
    rig.env.FAKE_EXIT = '3';
    assert.is((await rig.engine('psql', 'warehouse')).code, 1);
    Object.assign(rig.env, { PATH: noPsql, PGHOSTADDR: undefined, PGSERVICE: undefined });
  });

  s.test('a name that is no source and no sink is refused with those that are', async () => {
    const found = await rig.engine('psql', 'werehouse');
    assert.is(found.code, 2);
    assert.match(found.stderr, /no source and no sink werehouse[\s\S]*production[\s\S]*warehouse/);
  });
});
