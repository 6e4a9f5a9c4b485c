/** As whom the daemon asks for a run to be gone on with, without being told to (`QueueEntry.askedBy`). */
export const ownResumes = {
  died: 'its process died',
  stopped: 'the daemon was stopped',
  refused: 'another run had its table',
} as const;

export function isOwn(askedBy: string): boolean {
  return Object.values<string>(ownResumes).includes(askedBy);
}
