import type { Knex } from 'knex';
import type { Lease } from '../connector.ts';
import { leaseLost } from './wording.ts';

/** Throws `lease.lost` unless this lease is the one in force; it stays so until the end of the transaction. */
export async function refuseUnled(trx: Knex, schema: string, leader: Lease): Promise<void> {
  const leads = await trx
    .withSchema(schema)
    .table('leases')
    .where({ name: leader.name, token: leader.token })
    .whereNotNull('run_id')
    .forShare()
    .first('name');
  if (leads === undefined) throw leaseLost(leader.name);
}
