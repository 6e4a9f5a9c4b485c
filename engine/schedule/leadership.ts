/** The lease that only the leading daemon holds. */
export const leadership = 'daemon';
