import type { DatabaseParameters } from '../../../engine/connector.ts';
import { createDbtRig } from './project.ts';

/** A process that stands for an engine whose dbt is at work on a slow model of `$DBT_RIG` (parameters as JSON), until it is killed. */
const rig = createDbtRig(JSON.parse(process.env.DBT_RIG ?? '') as DatabaseParameters);
rig.write('models/analytics/slow.sql', "{{ config(materialized='table') }} select 1 as n from pg_sleep(60)");
await rig.node.run(rig.context().context, { sink: 'warehouse', select: ['slow'], fullRefresh: false });
