/**
 * Which labels the result of an expression has. Finds what promtool cannot: metrics and labels that do not exist, `rate` of
 * a gauge, and operands whose labels never match, which give an empty result for ever.
 */

const RATES = new Set(['rate', 'irate', 'increase']);
const OF_GAUGES = new Set(['deriv', 'delta', 'predict_linear']);
const KEEPING = new Set([
  'clamp_min',
  'clamp_max',
  'abs',
  'round',
  'max_over_time',
  'min_over_time',
  'last_over_time',
]);

/** A number, or one series without labels that stands in where there is no other (`or vector(0)`). */
const SCALAR = null;
const NOBODY = new Set();

const text = (labels) => `(${[...labels].sort().join(', ')})`;
// Node 20 has no set methods.
const minus = (a, b) => new Set([...a].filter((label) => !b.has(label)));
const same = (a, b) => a.size === b.size && [...a].every((label) => b.has(label));

const known = (labels, all, what) => {
  for (const label of labels) {
    if (!all.has(label)) throw new Error(`${what} names the label '${label}', which ${text(all)} lacks.`);
  }
};

const ofSelector = ({ name, matchers }, metrics) => {
  const metric = metrics.get(name);
  if (metric === undefined) throw new Error(`There is no metric '${name}' in the catalogue.`);
  known(
    matchers.map(({ label }) => label),
    metric.labels,
    name,
  );
  return metric.labels;
};

const counts = (type) => type === 'counter';

const ofCall = ({ name, args }, metrics) => {
  if (name === 'time') return SCALAR;
  if (name === 'vector') return NOBODY;
  if (name === 'histogram_quantile') {
    const labels = labelsOf(args[1], metrics);
    known(['le'], labels, name);
    return minus(labels, new Set(['le']));
  }
  const [of] = args;
  if (RATES.has(name) || OF_GAUGES.has(name)) {
    const type = metrics.get(of.name)?.type;
    if (type !== undefined && counts(type) !== RATES.has(name))
      throw new Error(`${name}() of the ${type} '${of.name}'.`);
    return labelsOf(of, metrics);
  }
  if (!KEEPING.has(name)) throw new Error(`The function ${name}() is not known here.`);
  return labelsOf(of, metrics);
};

const ofAggregation = ({ op, grouping, args }, metrics) => {
  const labels = labelsOf(args.at(-1), metrics);
  known(grouping?.labels ?? [], labels, op);
  if (op === 'topk' || op === 'bottomk') return labels;
  const named = new Set(grouping?.labels ?? []);
  return grouping?.mode === 'without' ? minus(labels, named) : named;
};

const matched = ({ op, matching }, left, right) => {
  const named = new Set(matching?.labels ?? []);
  if (matching?.mode === 'on') {
    known(named, left, `The left side of '${op}'`);
    known(named, right, `The right side of '${op}'`);
    return named;
  }
  const [l, r] = [minus(left, named), minus(right, named)];
  if (!same(l, r)) throw new Error(`'${op}' never matches: ${text(l)} on the left, ${text(r)} on the right.`);
  return l;
};

const ofBinary = (node, metrics) => {
  const left = labelsOf(node.left, metrics);
  const right = labelsOf(node.right, metrics);
  if (left === SCALAR || right === SCALAR) return left ?? right;
  if (node.op === 'or' && right === NOBODY) return left;
  const common = matched(node, left, right);
  if (['and', 'unless', 'or'].includes(node.op)) return left;
  if (node.group === undefined) return common;
  const many = node.group.mode === 'group_left' ? left : right;
  return new Set([...many, ...node.group.labels]);
};

/**
 * @param tree - from {@link parse}
 * @param {Map<string, { type: string, labels: Set<string> }>} metrics
 * @returns {Set<string> | null} null for a number
 * @throws Error that says what does not exist or cannot match
 */
export const labelsOf = (tree, metrics) => {
  switch (tree.kind) {
    case 'number':
      return SCALAR;
    case 'negative':
      return labelsOf(tree.of, metrics);
    case 'selector':
      return ofSelector(tree, metrics);
    case 'call':
      return ofCall(tree, metrics);
    case 'aggregation':
      return ofAggregation(tree, metrics);
    default:
      return ofBinary(tree, metrics);
  }
};
