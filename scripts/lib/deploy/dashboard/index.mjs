/** The Grafana dashboard, in the classic model, which every Grafana imports. */
import { nodeRow, observabilityRow } from './node.mjs';
import { placed } from './panel.mjs';
import { poolRow, workerRow } from './pools.mjs';
import { overview, requestRow } from './requests.mjs';

const variable = (name, label, query) => ({
  type: 'query',
  name,
  label,
  datasource: { type: 'prometheus', uid: '$datasource' },
  query: { qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
  // Also series that lack the label, such as those of an aggregation.
  allValue: '.*',
  current: { selected: true, text: ['All'], value: ['$__all'] },
  hide: 0,
  includeAll: true,
  multi: true,
  options: [],
  refresh: 2,
  regex: '',
  skipUrlSync: false,
  sort: 1,
});

/** The variables' queries; they have to name what exists, too. */
export const variables = [
  variable('job', 'Job', 'label_values(snakepit_build_info, job)'),
  variable('instance', 'Instance', 'label_values(snakepit_build_info{job=~"$job"}, instance)'),
  variable(
    'pool',
    'Pool',
    'label_values(snakepit_pool_workers_desired{job=~"$job", instance=~"$instance"}, pool_name)',
  ),
];

export const dashboard = {
  id: null,
  uid: 'snakepit',
  title: 'Snakepit',
  description: 'Pools of Python workers: requests, pools, workers, and the observability itself.',
  tags: ['snakepit', 'python', 'node'],
  schemaVersion: 42,
  version: 1,
  editable: true,
  graphTooltip: 1,
  timezone: 'browser',
  time: { from: 'now-1h', to: 'now' },
  refresh: '30s',
  fiscalYearStartMonth: 0,
  links: [],
  annotations: { list: [] },
  templating: {
    list: [
      {
        type: 'datasource',
        name: 'datasource',
        label: 'Data source',
        query: 'prometheus',
        hide: 0,
        includeAll: false,
        multi: false,
        options: [],
        refresh: 1,
        regex: '',
        skipUrlSync: false,
      },
      ...variables,
    ],
  },
  panels: placed([overview, requestRow, poolRow, workerRow, observabilityRow, nodeRow]),
};
