/** Splits PromQL into tokens; only what the rules and panels here use. */

const UNIT = '(?:ms|[smhdwy])';
const kinds = [
  ['space', /\s+/y],
  ['string', /"(?:[^"\\]|\\.)*"/y],
  // Grafana replaces its variables before Prometheus sees them; where a duration may stand they are one.
  ['duration', new RegExp(`\\$__\\w+|(?:\\d+${UNIT})+`, 'y')],
  ['number', /\d+(?:\.\d+)?(?:e[+-]?\d+)?/y],
  ['word', /[A-Za-z_:][\w:]*/y],
  ['sign', /=~|!~|==|!=|>=|<=|[-+*/%^<>=(){}[\],]/y],
];

/**
 * @param {string} text
 * @returns {{ kind: string, text: string, at: number }[]}
 */
export const tokensOf = (text) => {
  const tokens = [];
  for (let at = 0; at < text.length; ) {
    const found = kinds.flatMap(([kind, pattern]) => {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      return match === null ? [] : [{ kind, text: match[0], at }];
    })[0];
    if (found === undefined) throw new Error(`Cannot read PromQL at '${text.slice(at, at + 20)}'.`);
    if (found.kind !== 'space') tokens.push(found);
    at += found.text.length;
  }
  return tokens;
};
