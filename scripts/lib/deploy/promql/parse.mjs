/**
 * Reads PromQL into a tree, to look up what it names. Whether Prometheus takes it is for promtool to say; what this cannot
 * read (subqueries, `@`) is an error, so nothing passes unchecked.
 */
import { tokensOf } from './tokens.mjs';

const LEVELS = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '>', '<', '>=', '<='],
  ['+', '-'],
  ['*', '/', '%'],
  ['^'],
];
const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'bottomk', 'quantile']);

class Reader {
  #tokens;
  #at = 0;

  constructor(text) {
    this.text = text;
    this.#tokens = tokensOf(text);
  }

  get #next() {
    return this.#tokens[this.#at]?.text;
  }

  get atEnd() {
    return this.#at === this.#tokens.length;
  }

  #fail(what) {
    throw new Error(`Expected ${what}, got '${this.#next ?? 'the end'}' in: ${this.text}`);
  }

  #take(kind) {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind) this.#fail(`a ${kind}`);
    this.#at++;
    return token.text;
  }

  #skip(text) {
    if (this.#next !== text) return false;
    this.#at++;
    return true;
  }

  #must(text) {
    if (!this.#skip(text)) this.#fail(`'${text}'`);
  }

  /** Items between two signs, with commas between them. */
  #list(open, close, item) {
    this.#must(open);
    const items = [];
    while (!this.#skip(close)) {
      if (items.length > 0) this.#must(',');
      items.push(item());
    }
    return items;
  }

  #labels() {
    return this.#list('(', ')', () => this.#take('word'));
  }

  expression(level = 0) {
    const signs = LEVELS[level];
    if (signs === undefined) return this.#unary();
    let left = this.expression(level + 1);
    while (signs.includes(this.#next)) {
      const op = this.#tokens[this.#at++].text;
      const bool = this.#skip('bool');
      const matching = this.#modifier('on', 'ignoring');
      const group = this.#modifier('group_left', 'group_right');
      left = { kind: 'binary', op, bool, matching, group, left, right: this.expression(level + 1) };
    }
    return left;
  }

  #modifier(...modes) {
    const mode = modes.find((one) => this.#next === one);
    if (mode === undefined) return undefined;
    this.#at++;
    return { mode, labels: this.#next === '(' ? this.#labels() : [] };
  }

  #unary() {
    if (this.#skip('-')) return { kind: 'negative', of: this.#unary() };
    if (this.#skip('(')) {
      const inner = this.expression();
      this.#must(')');
      return inner;
    }
    const { kind } = this.#tokens[this.#at] ?? {};
    if (kind === 'number') return { kind: 'number', value: Number(this.#take('number')) };
    const name = this.#take('word');
    if (AGGREGATIONS.has(name)) return this.#aggregation(name);
    return this.#next === '(' ? { kind: 'call', name, args: this.#arguments() } : this.#selector(name);
  }

  #arguments() {
    return this.#list('(', ')', () => this.expression());
  }

  #aggregation(op) {
    const grouping = this.#modifier('by', 'without');
    const args = this.#arguments();
    return { kind: 'aggregation', op, grouping: grouping ?? this.#modifier('by', 'without'), args };
  }

  #selector(name) {
    const matchers =
      this.#next === '{'
        ? this.#list('{', '}', () => ({
            label: this.#take('word'),
            op: this.#take('sign'),
            value: JSON.parse(this.#take('string')),
          }))
        : [];
    const range = this.#skip('[') ? this.#take('duration') : undefined;
    if (range !== undefined) this.#must(']');
    const offset = this.#skip('offset') ? this.#take('duration') : undefined;
    return { kind: 'selector', name, matchers, range, offset };
  }
}

/** @param {string} text */
export const parse = (text) => {
  const reader = new Reader(text);
  const tree = reader.expression();
  if (!reader.atEnd) throw new Error(`Cannot read all of this PromQL: ${text}`);
  return tree;
};
