import { stopTestServer } from './postgres.ts';

await stopTestServer();
