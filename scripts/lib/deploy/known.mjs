/** What a rule or panel may name: the catalogue, Node's own metrics, what Prometheus itself adds, and recorded rules. */
import { metricCatalog } from '../../../dist/consumers/metrics/index.js';
import { NodeMetrics } from '../../../dist/consumers/metrics/levels/node.js';
import { labelsOf } from './promql/labels.mjs';
import { parse } from './promql/parse.mjs';

/** Labels Prometheus gives to all series of a target. */
export const TARGET = ['job', 'instance'];
/** Levels in the names of recorded rules, and the labels they stand for. */
const LEVELS = { job: 'job', pool: 'pool_name', command: 'command' };

const family = (name, type, labels) => {
  const all = [...TARGET, ...labels];
  if (type !== 'histogram') return [[name, { type: type === 'info' ? 'gauge' : type, labels: new Set(all) }]];
  return ['_bucket', '_sum', '_count'].map((part) => [
    name + part,
    { type: 'counter', labels: new Set(part === '_bucket' ? [...all, 'le'] : all) },
  ]);
};

const nodeFamilies = () => {
  const node = new NodeMetrics();
  const specs = node.specs();
  node.close();
  // prom-client tells no labels; of these none but the collector's kind is used.
  return specs.flatMap(({ name, type }) =>
    family(name, type, name === 'nodejs_gc_duration_seconds' ? ['kind'] : []),
  );
};

/**
 * Every metric by name.
 *
 * @param {Record<string, { type: string, labels: readonly string[] }>} [catalog] default: the real one
 * @returns {Map<string, { type: string, labels: Set<string> }>}
 */
export const knownMetrics = (catalog = metricCatalog) =>
  new Map([
    ...Object.entries(catalog).flatMap(([name, { type, labels }]) => family(name, type, labels)),
    ...nodeFamilies(),
    ...family('up', 'gauge', []),
  ]);

/**
 * Adds a recorded rule to what may be named.
 *
 * @throws Error when its expression names what does not exist, or its name promises other labels than it has
 */
export const addRecorded = (metrics, { record, expr }) => {
  const labels = labelsOf(parse(expr), metrics);
  const promised = record
    .split(':')[0]
    .split('_')
    .map((level) => LEVELS[level]);
  if ([...labels].sort().join() !== promised.sort().join()) {
    throw new Error(`${record} has the labels (${[...labels].join(', ')}).`);
  }
  metrics.set(record, { type: 'gauge', labels });
};
