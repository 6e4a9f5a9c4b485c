import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import * as assert from 'uvu/assert';
import { whoHere } from '../../../engine/base/who.ts';
import { suite } from '../../support/suite.ts';

suite('who asks from the command line', ({ test, skip }) => {
  test('a user with a name goes by it', () => {
    assert.is(
      whoHere(() => ({ username: 'alice' })),
      `alice@${hostname()}`,
    );
  });

  const asNobody = spawnSync('setpriv', ['--reuid', '4242', '--clear-groups', process.execPath, '-e', 'require("os").userInfo()']);
  const said = asNobody.stderr?.toString() ?? '';
  if (!said.includes('ERR_SYSTEM_ERROR'))
    skip('one without a name goes by its number', 'no process can be started here as a user whom the system does not know');
  else
    test('one without a name goes by its number', () => {
      const code = /code: '(\w+)'/.exec(said)?.[1];
      const who = whoHere(() => {
        throw Object.assign(new Error('uv_os_get_passwd returned ENOENT'), { code });
      });
      assert.is(who, `uid ${process.getuid?.()}@${hostname()}`);
    });
});
