const ms = (value) => (value === null ? '–' : value < 10 ? value.toFixed(1) : String(Math.round(value)));
const times = ({ p50, p99 }) => (p50 === null ? '–' : `${ms(p50)} / ${ms(p99)}`);

const columns = [
  ['scenario', (report) => report.name],
  ['sent', (report) => report.sent],
  ['settled', (report) => report.settled],
  ['twice', (report) => report.settled_twice],
  ['ran twice', (report) => report.ran_twice],
  ['failed', (report) => Object.values(report.failed).reduce((sum, count) => sum + count, 0)],
  ['deaths', (report) => report.deaths],
  ['orphans', (report) => report.orphans],
  ['recovery p50 / p99', (report) => times(report.recovery_ms)],
  ['not ready p50 / p99', (report) => times(report.not_ready_ms)],
  ['503 p50 / p99', (report) => times(report.not_ready_http_ms)],
  ['took', (report) => `${(report.took_ms / 1000).toFixed(1)} s`],
];

const fact = (value) =>
  typeof value === 'number' && !Number.isInteger(value) ? ms(value) : JSON.stringify(value);

/**
 * The reports of some scenarios as text: a table, then what each adds, then what is broken. Times are milliseconds. Recovery: from the death of a
 * worker to the next answer from its slot. Not ready, 503: from the death of the last worker, until readiness says no when asked, and over HTTP.
 */
export const table = (reports) => {
  const rows = [
    columns.map(([title]) => title),
    ...reports.map((report) => columns.map(([, cell]) => String(cell(report)))),
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  const facts = reports
    .filter(({ facts }) => Object.keys(facts).length > 0)
    .map(
      ({ name, facts }) =>
        `${name}: ${Object.entries(facts)
          .map(([key, value]) => `${key} ${fact(value)}`)
          .join(', ')}`,
    );
  const broken = reports.flatMap((report) => report.broken.map((text) => `BROKEN ${report.name}: ${text}`));
  return [
    line(rows[0]),
    ...rows.slice(1).map(line),
    '',
    ...facts,
    ...(broken.length > 0 ? ['', ...broken] : []),
  ].join('\n');
};
