import { fenceSuite } from '../../conformance/fence.ts';

fenceSuite('18', undefined);
