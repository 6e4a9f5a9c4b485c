import { countText } from '../../engine/base/count.ts';
import type { NodeType } from '../../engine/connector.ts';
import { showRelation } from './identifier.ts';
import { loadOptions } from './load-options.ts';
import { describeTruncate, surveyLoad } from './load-plan.ts';
import { joinLoadUnit } from './load-unit.ts';

/**
 * `postgres.truncate`: empties staging in the transaction of the load that follows, when the lake has a full version that staging lacks; else it does nothing.
 * Safe to run again: without that load's COMMIT nothing was emptied.
 */
export const truncate: NodeType = {
  type: 'postgres.truncate',
  survey: surveyLoad,
  describe: describeTruncate,
  run: async (context, given) => {
    const options = loadOptions(given);
    const unit = await joinLoadUnit(context, options);
    const { emptied, rowsEstimate } = await unit.empty(context);
    const target = showRelation(options.into);
    return {
      summary: emptied
        ? `${target} is emptied${rowsEstimate === undefined ? '' : ` (~${countText(rowsEstimate, 'row')})`}`
        : `${target}: nothing to empty`,
      facts: { into: target, emptied, ...(rowsEstimate === undefined ? {} : { rowsBefore: rowsEstimate }) },
    };
  },
};
