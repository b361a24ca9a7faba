import type { KeyRules } from '../keys.ts';
import type { Add } from '../spans.ts';

/** Finds one kind of secret in a text, in time linear in its length whatever the text is. */
export interface Detector {
  readonly name: string;
  /** Traits a text must have, all of them, for this to be worth a try. */
  readonly needs: number;
  /** Traits of which it must have at least one. */
  readonly any?: number;
  /** @param traits - those of the text, see survey.ts */
  find(text: string, add: Add, keys: KeyRules, traits: number): void;
}

/** Calls `found` for every match of a global pattern. */
export const eachMatch = (pattern: RegExp, text: string, found: (match: RegExpExecArray) => void): void => {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    found(match);
    // An empty match would be found for ever.
    if (match[0] === '') pattern.lastIndex++;
  }
};
