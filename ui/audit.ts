import type { Action } from '../engine/api.ts';

/** What an action was about. */
export interface About {
  readonly kind: 'pipeline' | 'run' | 'table' | 'channel' | 'token' | 'queue' | 'nothing';
  readonly name: string;
}

/** What an action was about, so that it can be followed. What was taken off the queue was a run of the pipeline that its outcome names. */
export function aboutOf({ action, subject, outcome }: Pick<Action, 'action' | 'subject' | 'outcome'>): About {
  switch (action) {
    case 'trigger':
    case 'pause':
    case 'resume':
      return { kind: 'pipeline', name: subject };
    case 'retry':
    case 'cancel':
      return { kind: 'run', name: subject };
    case 'dequeue': {
      const pipeline = /^(.+): taken off the queue$/s.exec(outcome)?.[1];
      return pipeline === undefined || pipeline.startsWith('refused: ')
        ? { kind: 'queue', name: subject }
        : { kind: 'pipeline', name: pipeline };
    }
    case 'preview':
      return { kind: 'table', name: subject };
    case 'test-channel':
      return { kind: 'channel', name: subject };
    case 'create-token':
    case 'revoke-token':
      return { kind: 'token', name: subject };
    default:
      return { kind: 'nothing', name: subject };
  }
}

/** Whether it was a try that was not let through, or that could not be done. */
export function isRefused({ outcome }: Pick<Action, 'outcome'>): boolean {
  return outcome.startsWith('refused: ');
}
