import type { NodeType } from '../../engine/connector.ts';
import { showRelation } from './identifier.ts';
import { loadOptions } from './load-options.ts';
import { describeLoad, surveyLoad } from './load-plan.ts';
import { joinLoadUnit, type Loaded } from './load-unit.ts';

/** Facts are kept with each run: of a long list they have this many. */
const mostNamed = 50;

/**
 * `postgres.load`: what the lake's log has and the ledger has not, in the log's order, in one transaction with the ledger. What a version is decides how it is
 * loaded, not the pipeline. Safe to run again: what is in the ledger is not loaded twice.
 */
export const load: NodeType = {
  type: 'postgres.load',
  survey: surveyLoad,
  describe: describeLoad,
  run: async (context, given) => {
    const options = loadOptions(given);
    const unit = await joinLoadUnit(context, options);
    const done = await unit.load(context);
    if (done.decision.because !== undefined) context.log('info', `${showRelation(options.into)} is loaded anew: ${done.decision.because}`);
    return {
      summary: summaryOf(done),
      rows: done.rows,
      bytes: done.bytes,
      facts: {
        into: showRelation(options.into),
        versions: done.versions.slice(-mostNamed),
        files: done.files,
        rows: done.rows,
        inserted: done.inserted,
        updated: done.updated,
        unchanged: done.unchanged,
        replaced: done.replaced,
        ...(done.rowsBefore === undefined ? {} : { rowsBefore: done.rowsBefore }),
        ...(done.created ? { created: true } : {}),
        ...(done.columnsAdded.length === 0 ? {} : { columnsAdded: done.columnsAdded.slice(0, mostNamed) }),
        ...(done.decision.because === undefined ? {} : { because: done.decision.because }),
        lakeVersion: done.decision.state.version,
      },
    };
  },
};

/** `41,208 in: 10,000 new, 30,980 changed, 228 the same; lake v412`. */
function summaryOf(done: Loaded): string {
  const last = done.versions.at(-1);
  if (last === undefined)
    return done.decision.state.version < 0 ? 'nothing in the lake yet' : `nothing new; lake v${done.decision.state.version}`;
  const number = (value: number): string => value.toLocaleString('en-US');
  const counts = done.replaced
    ? `${number(done.rows)} in, replacing all${done.updated > 0 || done.unchanged > 0 ? ` (${number(done.updated)} changed since, ${number(done.unchanged)} the same)` : ''}`
    : `${number(done.rows)} in: ${number(done.inserted)} new, ${number(done.updated)} changed, ${number(done.unchanged)} the same`;
  return `${counts}; lake v${last}`;
}
