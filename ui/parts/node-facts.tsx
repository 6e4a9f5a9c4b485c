import type { NodeRun } from '../../engine/run.ts';
import { readerZone } from '../clock.ts';
import { type FactPart, nodeFacts } from '../node-facts.ts';
import { tablePath } from '../routes.ts';
import { exactTime, wholeTime } from '../times.ts';
import { Prose } from './prose.tsx';
import './node-facts.css';

/** What a node read, wrote and met; what has a page of its own leads there. `dayOf`: moments of that day go without their date. */
export function NodeFacts({ node, dayOf }: { readonly node: NodeRun; readonly dayOf: string }) {
  const facts = nodeFacts(node);
  if (facts.length === 0) return null;
  return (
    <dl class="node-facts">
      {facts.map(({ label, parts }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {parts.map((part, index) => (
              <Part key={index} part={part} dayOf={dayOf} />
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Part({ part, dayOf }: { readonly part: FactPart; readonly dayOf: string }) {
  switch (part.kind) {
    case 'words':
      return <Prose text={part.text} />;
    case 'name':
      return <span class="name">{part.text}</span>;
    case 'moment':
      return (
        <time dateTime={part.at} title={`${part.at}, ${wholeTime(Date.parse(part.at), readerZone)}`}>
          {exactTime(part.at, dayOf, readerZone)}
        </time>
      );
    case 'version':
      return part.table === '' ? <>lake v{part.version}</> : <a href={tablePath(part.table, part.version)}>lake v{part.version}</a>;
    case 'table':
      return part.table === '' ? (
        <span class="name">{part.text}</span>
      ) : (
        <a class="name" href={tablePath(part.table)}>
          {part.text}
        </a>
      );
  }
}
