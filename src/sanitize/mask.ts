/** What stands in place of anything masked. */
export const MASK = '[SANITIZED]';
