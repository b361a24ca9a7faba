import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { describe, expect, it } from 'vitest';
import { sanitize } from '../../src/sanitize/index.ts';
import { heldOutCases, secretCases, textOf } from './corpus.mjs';

/** A set of rules that others have written and keep: what it takes for a secret must not be left of anything. */
const id = '@secretlint/secretlint-rule-preset-recommend';
const config = { rules: [{ id, rule: creator, options: {} }] };

/** What the rules find in a text. */
const found = async (content: string): Promise<string[]> => {
  const { messages } = await lintSource({
    source: { filePath: 'corpus.txt', content, ext: '.txt', contentType: 'text' },
    options: { config, noPhysicFilePath: true },
  });
  return messages.map(({ range: [from, to] }) => content.slice(from, to));
};

const MASK = '[SANITIZED]';
/** `postgres://app:[SANITIZED]@db` has the form of what they look for, and nothing left to hide. */
const isMasked = (text: string): boolean => text.includes(MASK);

const rawOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return value instanceof Error ? String(value.stack) : JSON.stringify(value);
};

const together = (values: readonly unknown[], show: (value: unknown) => string): string =>
  values.map(show).join('\n\n');

describe('rules of others', () => {
  it.each([
    ['the corpus', secretCases(3, 12)],
    ['the held-out corpus', heldOutCases(3, 30)],
  ])('find secrets in %s, and none of them in what is left of it', async (_, cases) => {
    // Far behind a long text there is nothing to see for rules that look at lines.
    const values = cases.map(({ value }) => value).filter((value) => rawOf(value).length < 5000);
    const before = (await found(together(values, rawOf))).filter((secret) => !isMasked(secret));
    expect(before.length).toBeGreaterThan(70);
    const left = together(values, (value) => textOf(sanitize(value)));
    expect(before.filter((secret) => left.includes(secret)).slice(0, 5)).toEqual([]);
    expect((await found(left)).filter((secret) => !isMasked(secret)).slice(0, 5)).toEqual([]);
  });
});
