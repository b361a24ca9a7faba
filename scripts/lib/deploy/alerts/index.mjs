/** All alerts, in the groups they are written in. */
import { observabilityAlerts } from './observability.mjs';
import { poolAlerts } from './pools.mjs';
import { sloAlerts } from './slo.mjs';
import { workerAlerts } from './workers.mjs';

/**
 * @typedef {object} Case
 * @property {string} [name]
 * @property {Record<string, string>} series - samples a minute, in promtool's notation
 * @property {string} at - when it is looked
 * @property {string} [pending] - of a case that fires: when the expression is true already, but `for` has not passed; default 1m
 *
 * @typedef {object} Alert
 * @property {string} name
 * @property {string} expr
 * @property {string} for
 * @property {'page' | 'ticket'} severity - page: somebody has to look now; ticket: within days
 * @property {Record<string, string>} [labels]
 * @property {string} summary
 * @property {string} description
 * @property {string} [runbook] - anchor in docs/runbook.md; default: the name in lower case
 * @property {string[]} [needs] - metrics that the catalogue may still lack: then the alert is left out
 * @property {(Case & { alerts: [labels: Record<string, string>, description: string][] })[]} fires
 * @property {Case[]} silent
 *
 * @type {{ name: string, alerts: Alert[] }[]}
 */
const groups = [
  { name: 'slo', alerts: sloAlerts },
  { name: 'pools', alerts: poolAlerts },
  { name: 'workers', alerts: workerAlerts },
  { name: 'observability', alerts: observabilityAlerts },
];

/**
 * The alerts whose metrics there are.
 *
 * @param {ReadonlyMap<string, unknown>} metrics
 */
export const alertGroups = (metrics) =>
  groups.map(({ name, alerts }) => ({
    name,
    alerts: alerts.filter(({ needs = [] }) => needs.every((metric) => metrics.has(metric))),
  }));

/** Those too that are left out. */
export const allAlerts = groups.flatMap(({ alerts }) => alerts);

/** Where the runbook tells about an alert. */
export const anchorOf = ({ name, runbook = name.toLowerCase() }) => runbook;
