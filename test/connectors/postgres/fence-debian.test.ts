import { fenceSuite } from '../../conformance/fence.ts';
import { debianServer } from '../../support/cluster.ts';
import { suite } from '../../support/suite.ts';

const debian = debianServer();
if (debian === undefined)
  suite('the fence on a PostgreSQL of Debian', ({ skip }) => skip('the fence on another version', 'no server in /usr/lib/postgresql'));
else fenceSuite(debian.major, debian);
