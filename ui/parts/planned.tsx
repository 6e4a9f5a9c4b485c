import type { RunPlan } from '../../engine/api-run.ts';
import type { PlannedNode } from '../../engine/plan.ts';
import type { NodeRun, Run } from '../../engine/run.ts';
import { useAnswer } from '../answers.ts';
import { paths } from '../api.ts';
import { bytesText, countText, durationText } from '../figures.ts';
import { useOpened } from '../opened.ts';
import { showLog } from '../show-log.ts';
import { lookOf } from '../states.ts';
import { tookMs } from '../time-axis.ts';
import { Empty, Failure, Section, Waiting } from './messages.tsx';
import { OpenerCell } from './number-cell.tsx';
import { Glyph, PlanMore, PlanNumber, StatementsRow } from './plan-words.tsx';
import { Prose } from './prose.tsx';
import { Scroll } from './scroll.tsx';
import { Mark } from './state-mark.tsx';
import { Time } from './time.tsx';
import './planned.css';

/** What the run set out to do, beside what it did; asked for when somebody wants it. */
export function Planned({ run, close }: { readonly run: Run; readonly close: () => void }) {
  const { data, failure } = useAnswer<RunPlan>(paths.runPlan(run.runId));
  const side = (
    <button type="button" onClick={close}>
      close the plan
    </button>
  );
  return (
    <Section title="planned and done" note={data === undefined ? undefined : <PlanNote plan={data} />} side={side}>
      {data !== undefined ? (
        <PlannedTable plan={data} run={run} />
      ) : failure === undefined ? (
        <Waiting what="Asking for the plan ..." />
      ) : failure.status === 404 ? (
        <Empty title={`${failure.message}`}>{failure.hint}</Empty>
      ) : (
        <Failure what="The plan cannot be shown" failure={failure} />
      )}
    </Section>
  );
}

function PlanNote({ plan }: { readonly plan: RunPlan }) {
  return (
    <>
      made <Time at={plan.plan.createdAt} />
      {plan.leftOut.length === 0 ? '' : `; for its size it was kept without ${plan.leftOut.join(', ')}`}
    </>
  );
}

function PlannedTable({ plan: { plan }, run }: { readonly plan: RunPlan; readonly run: Run }) {
  const [open, toggle] = useOpened();
  const did = new Map(run.nodes.map((node) => [node.id, node]));
  return (
    <Scroll label="what was planned and what was done">
      <table class="rows planned stacks">
        <thead>
          <tr>
            <th scope="col">node</th>
            <th scope="col">planned</th>
            <th scope="col" class="number">
              rows planned
            </th>
            <th scope="col" class="number">
              rows
            </th>
            <th scope="col" class="number">
              bytes planned
            </th>
            <th scope="col" class="number">
              bytes
            </th>
            <th scope="col" class="number">
              took
            </th>
            <th scope="col">done</th>
          </tr>
        </thead>
        <tbody>
          {plan.nodes.map((node) => (
            <PlannedRows key={node.id} planned={node} node={did.get(node.id)} open={open.has(node.id)} toggle={() => toggle(node.id)} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface RowProps {
  readonly planned: PlannedNode;
  readonly node: NodeRun | undefined;
  readonly open: boolean;
  readonly toggle: () => void;
}

function PlannedRows({ planned: { id, plan }, node, open, toggle }: RowProps) {
  const state = lookOf(node?.state ?? 'queued');
  const took = node === undefined ? undefined : tookMs(node);
  return (
    <>
      <tr class={open ? 'open' : ''}>
        <th scope="row" class="name nowrap">
          {id}
        </th>
        <td class="did">
          <p>
            <Glyph action={plan.action} /> <Prose text={plan.summary} />
          </p>
          <PlanMore node={id} plan={plan} open={open} toggle={toggle} />
        </td>
        <PlanNumber plan={plan} toggle={toggle} text={plan.rowsEstimate === undefined ? undefined : countText(plan.rowsEstimate)} />
        <LogCell node={id} text={node?.result?.rows === undefined ? undefined : countText(node.result.rows)} />
        <PlanNumber plan={plan} toggle={toggle} text={plan.bytesEstimate === undefined ? undefined : bytesText(plan.bytesEstimate)} />
        <LogCell node={id} text={node?.result?.bytes === undefined ? undefined : bytesText(node.result.bytes)} />
        <LogCell node={id} text={took === undefined ? undefined : durationText(took)} />
        <td class="did">
          <span class="state">
            <Mark look={state} label={state.word} />
            <span>
              <Prose text={node?.error?.message ?? node?.result?.summary ?? state.word} />
            </span>
          </span>
        </td>
      </tr>
      {open ? <StatementsRow node={id} sql={plan.sql} columns={8} /> : null}
    </>
  );
}

/** What a node did; shows of the log what it said. */
function LogCell({ node, text }: { readonly node: string; readonly text: string | undefined }) {
  return <OpenerCell toggle={() => showLog(node)}>{text}</OpenerCell>;
}
