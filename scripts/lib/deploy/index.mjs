/** All files of deploy/ that come from the catalogue. */
import { alertGroups } from './alerts/index.mjs';
import { faultsOf } from './check.mjs';
import { dashboard } from './dashboard/index.mjs';
import { knownMetrics } from './known.mjs';
import { recordedCases } from './recorded-cases.mjs';
import { recordingGroups } from './recording.mjs';
import { alertFile, orderOf, recordingFile, testFile } from './rule-files.mjs';
import { kubernetesConfig, scrapeConfig, serviceMonitorFile } from './scrape.mjs';

/** How often the cases of a group evaluate the rules; some last many hours. */
const EVERY = { slo: '5m', workers: '5m' };

/** What the files are made from. */
export const sources = () => {
  const metrics = knownMetrics();
  const groups = alertGroups(metrics);
  return {
    metrics,
    recording: recordingGroups,
    groups,
    alerts: groups.flatMap(({ alerts }) => alerts),
    dashboard,
  };
};

/**
 * @returns {Record<string, string>} text by path in deploy/
 * @throws Error when something names what the catalogue lacks
 */
export const deployFiles = () => {
  const of = sources();
  const faults = faultsOf(of);
  if (faults.length > 0) throw new Error(`deploy/ cannot be made:\n${faults.join('\n')}`);
  return {
    'prometheus/snakepit-rules.yml': recordingFile(of.recording),
    'prometheus/snakepit-alerts.yml': alertFile(of.groups),
    ...Object.fromEntries(
      of.groups.map(({ name, alerts }) => [
        `prometheus/tests/${name}.test.yml`,
        testFile(alerts, {
          order: orderOf(of.recording, of.groups),
          every: EVERY[name],
          ...(name === 'slo' && { more: recordedCases }),
        }),
      ]),
    ),
    'prometheus/scrape-config.yml': scrapeConfig,
    'prometheus/scrape-kubernetes.yml': kubernetesConfig,
    'prometheus/servicemonitor.yml': serviceMonitorFile,
    'grafana/snakepit.json': `${JSON.stringify(of.dashboard, null, 2)}\n`,
  };
};

export { allAlerts, anchorOf } from './alerts/index.mjs';
export { faultsOf } from './check.mjs';
export { knownMetrics } from './known.mjs';
