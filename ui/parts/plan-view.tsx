import type { Plan, PlannedNode } from '../../engine/plan.ts';
import { bytesText, countText } from '../figures.ts';
import { useOpened } from '../opened.ts';
import { planCounts, planTotals } from '../plan-totals.ts';
import { Glyph, PlanMore, PlanNumber, StatementsRow } from './plan-words.tsx';
import { Prose } from './prose.tsx';

/** What a run would do, node by node; estimates are marked `~`. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  const [open, toggle] = useOpened();
  const { rows, bytes } = planTotals(plan);
  return (
    <table class="rows plan stacks">
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
          <PlanRows key={node.id} planned={node} open={open.has(node.id)} toggle={() => toggle(node.id)} />
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={3}>
            {planCounts(plan)}
          </th>
          <td class="number">{rows === undefined ? <span class="quiet nothing">-</span> : `~${countText(rows)}`}</td>
          <td class="number">{bytes === undefined ? <span class="quiet nothing">-</span> : `~${bytesText(bytes)}`}</td>
        </tr>
      </tfoot>
    </table>
  );
}

interface RowProps {
  readonly planned: PlannedNode;
  readonly open: boolean;
  readonly toggle: () => void;
}

function PlanRows({ planned: { id, plan }, open, toggle }: RowProps) {
  return (
    <>
      <tr class={open ? 'open' : ''}>
        <td class="nowrap plainly">
          <Glyph action={plan.action} /> {plan.action}
        </td>
        <td class="name nowrap plainly">{id}</td>
        <td class="did plainly">
          <p>
            <Prose text={plan.summary} />
          </p>
          <PlanMore node={id} plan={plan} open={open} toggle={toggle} />
        </td>
        <PlanNumber plan={plan} toggle={toggle} text={plan.rowsEstimate === undefined ? undefined : countText(plan.rowsEstimate)} />
        <PlanNumber plan={plan} toggle={toggle} text={plan.bytesEstimate === undefined ? undefined : bytesText(plan.bytesEstimate)} />
      </tr>
      {open ? <StatementsRow node={id} sql={plan.sql} columns={5} /> : null}
    </>
  );
}
