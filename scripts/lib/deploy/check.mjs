/** Finds what rules, cases and panels name that does not exist. */
import { addRecorded } from './known.mjs';
import { labelsOf } from './promql/labels.mjs';
import { parse } from './promql/parse.mjs';

/** Series of a case must be series that can be: every label of the metric, and no other. */
const checkSeries = (text, metrics) => {
  const tree = parse(text);
  const all = labelsOf(tree, metrics);
  const given = new Set(tree.matchers.map(({ label }) => label));
  const missing = [...all].filter((label) => !given.has(label));
  if (missing.length > 0) throw new Error(`It lacks ${missing.join(', ')}.`);
};

const checkAlert = (alert, metrics) => {
  const labels = labelsOf(parse(alert.expr), metrics);
  for (const [, label] of `${alert.summary} ${alert.description}`.matchAll(/\$labels\.(\w+)/g)) {
    if (!labels.has(label))
      throw new Error(`Its text names the label '${label}', which its expression lacks.`);
  }
  for (const { series } of [...alert.fires, ...alert.silent]) {
    for (const text of Object.keys(series)) checkSeries(text, metrics);
  }
};

const checkPanel = ({ targets = [] }, metrics) => {
  for (const { expr, legendFormat = '' } of targets) {
    const labels = labelsOf(parse(expr), metrics);
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      if (!labels.has(label))
        throw new Error(`The legend '${legendFormat}' names a label that '${expr}' lacks.`);
    }
  }
};

/** `label_values(metric{…}, label)` */
const checkVariable = ({ query: { query } }, metrics) => {
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  const labels = labelsOf(parse(selector), metrics);
  if (!labels.has(label)) throw new Error(`'${selector}' has no label '${label}'.`);
};

/**
 * @param {object} of
 * @param {Map<string, { type: string, labels: Set<string> }>} of.metrics
 * @param {{ name: string, rules: { record: string, expr: string }[] }[]} of.recording
 * @param {import('./alerts/index.mjs').Alert[]} of.alerts
 * @param {object} of.dashboard
 * @returns {string[]} what is wrong, a line each
 */
export const faultsOf = ({ metrics, recording, alerts, dashboard }) => {
  const all = new Map(metrics);
  const faults = [];
  const attempt = (what, check) => {
    try {
      check();
    } catch (error) {
      faults.push(`${what}: ${error.message}`);
    }
  };
  for (const rule of recording.flatMap(({ rules }) => rules)) {
    attempt(rule.record, () => addRecorded(all, rule));
  }
  for (const alert of alerts) {
    attempt(alert.name, () => checkAlert(alert, all));
    for (const kind of ['fires', 'silent']) {
      if (alert[kind].length === 0)
        faults.push(`${alert.name}: it has no case in which it ${kind === 'fires' ? kind : 'is silent'}.`);
    }
  }
  for (const panel of dashboard.panels) attempt(`Panel '${panel.title}'`, () => checkPanel(panel, all));
  for (const variable of dashboard.templating.list.filter(({ type }) => type === 'query')) {
    attempt(`Variable '${variable.name}'`, () => checkVariable(variable, all));
  }
  return faults;
};
