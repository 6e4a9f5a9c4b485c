import { pipelinePath, tablePath } from '../routes.ts';

/** A pipeline's name, which leads to its page. */
export function pipelineLink(pipeline: string) {
  return (
    <a class="name" href={pipelinePath(pipeline)}>
      {pipeline}
    </a>
  );
}

/** A table's name, which leads to its page. */
export function tableLink(table: string) {
  return (
    <a class="name" href={tablePath(table)}>
      {table}
    </a>
  );
}
