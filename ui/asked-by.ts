/** Who asked for a run, in words, from what its history calls its trigger. */
export function askedByText(trigger: string): string {
  switch (trigger) {
    case 'schedule':
      return 'its schedule';
    case 'resume':
      return 'the daemon, which went on with a run';
    case 'cli':
      return 'hand, in a terminal';
    case 'retry':
      return 'hand, as a retry';
    case 'api':
      return 'hand, from this page or the API';
    default:
      return trigger;
  }
}

/** The same in a word or two, for a column. */
export function askedByWord(trigger: string): string {
  switch (trigger) {
    case 'resume':
      return 'the daemon';
    case 'cli':
      return 'hand, terminal';
    case 'retry':
      return 'hand, retry';
    case 'api':
      return 'hand';
    default:
      return trigger;
  }
}
