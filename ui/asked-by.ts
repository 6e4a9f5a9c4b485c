/** Who or what began a run, in one set of words for every page; `askedBy` is who asked the daemon for it, where that is known. */
export function askedByText(trigger: string, askedBy?: string): string {
  switch (trigger) {
    case 'schedule':
      return 'schedule';
    case 'cli':
      return 'terminal';
    case 'retry':
      return 'terminal, as a retry';
    case 'resume':
      return askedBy === undefined ? 'daemon' : `daemon: ${askedBy}`;
    case 'api':
      return askedBy === undefined ? 'page or API' : `${askedBy}, page or API`;
    default:
      return trigger;
  }
}

/** An action by the word on the button that does it. */
export function actionText(action: string): string {
  switch (action) {
    case 'trigger':
      return 'run now';
    case 'dequeue':
      return 'take off the queue';
    default:
      return action.replace('-', ' ');
  }
}
