import type { NodePlan, Plan, PlannedNode } from '../../engine/plan.ts';
import { bytesText, countText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { Mark } from './state-mark.tsx';

const glyphs: Readonly<Record<NodePlan['action'], string>> = {
  create: '+',
  replace: '-/+',
  merge: '~',
  read: '>',
  run: '*',
  nothing: '=',
  refused: '!',
};

/** What a run would do, node by node; estimates are marked `~`. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  return (
    <table class="rows plan">
      <caption class="unseen">What a run of {plan.pipeline} would do</caption>
      <thead>
        <tr>
          <th scope="col">would</th>
          <th scope="col">node</th>
          <th scope="col">what it would do</th>
          <th scope="col" class="number">
            rows
          </th>
          <th scope="col" class="number">
            bytes
          </th>
        </tr>
      </thead>
      <tbody>
        {plan.nodes.map((node) => (
          <PlanRow key={node.id} node={node} />
        ))}
      </tbody>
    </table>
  );
}

function PlanRow({ node: { id, plan } }: { readonly node: PlannedNode }) {
  return (
    <tr>
      <td class="nowrap">
        <span class="name glyph">{glyphs[plan.action]}</span> {plan.action}
      </td>
      <td class="name nowrap">{id}</td>
      <td class="did">
        <p>{plan.summary}</p>
        {plan.details.map((detail) => (
          <p key={detail} class="quiet">
            {detail}
          </p>
        ))}
        {plan.warnings.map((warning) => (
          <p key={warning} class="warning">
            <Mark look={lookOf('retrying')} />
            <span>
              <span class="tone-warn">warning</span>: {warning}
            </span>
          </p>
        ))}
      </td>
      <td class="number">{plan.rowsEstimate === undefined ? <span class="quiet">-</span> : `~${countText(plan.rowsEstimate)}`}</td>
      <td class="number">{plan.bytesEstimate === undefined ? <span class="quiet">-</span> : `~${bytesText(plan.bytesEstimate)}`}</td>
    </tr>
  );
}
