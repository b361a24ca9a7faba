/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** How far a copy goes. Everything beyond is replaced by its shape or a count. */
export interface Limits {
  /** Levels of nesting below the root. */
  readonly depth: number;
  /** Entries of one object or list. */
  readonly entries: number;
  /** Characters of one text. */
  readonly text: number;
  /** Values in all: one value reachable over many paths would otherwise be copied exponentially often. */
  readonly values: number;
  /** Characters in all, keys apart. */
  readonly characters: number;
  /** Milliseconds in all. What is left then is counted, not shown. */
  readonly milliseconds: number;
}
