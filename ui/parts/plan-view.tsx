import { useState } from 'preact/hooks';
import type { NodePlan, Plan, PlannedNode } from '../../engine/plan.ts';
import { bytesText, countText } from '../figures.ts';
import { lookOf } from '../states.ts';
import { Prose } from './prose.tsx';
import { Scroll } from './scroll.tsx';
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

/** One sign for each action, as in the terminal. */
export function glyphOf(action: NodePlan['action']): string {
  return glyphs[action];
}

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
        <p>
          <Prose text={plan.summary} />
        </p>
        {plan.details.map((detail) => (
          <p key={detail} class="quiet">
            <Prose text={detail} />
          </p>
        ))}
        {plan.warnings.map((warning) => (
          <p key={warning} class="warning">
            <Mark look={lookOf('retrying')} />
            <span>
              <span class="tone-warn">warning</span>: <Prose text={warning} />
            </span>
          </p>
        ))}
        {plan.sql.length === 0 ? null : <Statements node={id} sql={plan.sql} />}
      </td>
      <td class="number">{plan.rowsEstimate === undefined ? <span class="quiet">-</span> : `~${countText(plan.rowsEstimate)}`}</td>
      <td class="number">{plan.bytesEstimate === undefined ? <span class="quiet">-</span> : `~${bytesText(plan.bytesEstimate)}`}</td>
    </tr>
  );
}

/** What would be sent to the databases, folded away until it is asked for. */
function Statements({ node, sql }: { readonly node: string; readonly sql: readonly string[] }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="plain fold" aria-expanded={open} aria-label={`statements of ${node}`} onClick={() => setOpen(!open)}>
        {countText(sql.length, 'statement')}
      </button>
      {open ? (
        <Scroll label={`statements of ${node}, in order`}>
          <pre class="plan-statements">{sql.join(';\n\n')}</pre>
        </Scroll>
      ) : null}
    </>
  );
}
