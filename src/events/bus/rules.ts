import { compilePattern, type NameLike, nameOf } from './pattern.ts';

interface Rule<T> {
  readonly pattern: string;
  readonly matches: (name: string) => boolean;
  readonly value: T;
}

/**
 * Settings by event name or pattern. Where several match a name, the most specific wins: the one with more parts spelled out, then the one without `**`, then the one set last.
 */
export class Rules<T> {
  #rules: readonly Rule<T>[] = [];

  /** @throws TypeError when the pattern is malformed */
  set(pattern: NameLike, value: T): void {
    const key = nameOf(pattern);
    const rule = { pattern: key, matches: compilePattern(pattern), value };
    // The last set comes first among equals: sorting is stable.
    this.#rules = [rule, ...this.#without(key)].sort((a, b) => rank(b.pattern) - rank(a.pattern));
  }

  delete(pattern: NameLike): void {
    this.#rules = this.#without(nameOf(pattern));
  }

  of(name: string): T | undefined {
    return this.#rules.find((rule) => rule.matches(name))?.value;
  }

  entries(): [pattern: string, value: T][] {
    return this.#rules.map(({ pattern, value }) => [pattern, value]);
  }

  #without(pattern: string): readonly Rule<T>[] {
    return this.#rules.filter((rule) => rule.pattern !== pattern);
  }
}

const rank = (pattern: string): number => {
  const parts = pattern.split('.');
  return 2 * parts.filter((part) => !part.startsWith('*')).length + (parts.at(-1) === '**' ? 0 : 1);
};
