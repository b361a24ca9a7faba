const number = (value) => Math.round(value).toLocaleString('en');

/** `0.42` → `0.4 ms`, `1234` → `1.2 s`. */
const time = (ms) => {
  if (ms === undefined) return '–';
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
};

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const byCount = (codes) => [...codes].sort(([, a], [, b]) => b.count - a.count);

/** What runs and where to look, in plain words. `links` are the paths that the ops server says it has. */
export const introduction = (pit, { links, logs }) => {
  const pool = pit.snapshot().pools.default;
  const pages = [
    ['page', links.dashboard],
    ['metrics', links.metrics],
    ['health', links.detailed],
  ]
    .filter(([, path]) => path !== undefined)
    .map(([name, path]) => `  ${name.padEnd(10)}${pit.opsUrl}${path}`);
  return `
A small library of real texts, served by ${pool.workers_desired} Python workers (Python ${pool.python_version}) to visitors who search
it, have texts summarized and read to them, and compare them. Some ask for what there is not, some
give up, some wait too long, and every five seconds one takes a worker down: that is on purpose.

${pages.join('\n')}
  ${'commands'.padEnd(10)}${pit.gatewayUrl}/v1/commands
  ${'logs'.padEnd(10)}${logs.file}${logs.passing ? ' (removed at the end)' : ''}

Ask it something yourself:

  curl -s ${pit.gatewayUrl}/v1/commands/search -H 'content-type: application/json' -d '{"query": "the winter of despair"}'

Ctrl-C ends it with a summary.
`;
};

/** How it goes, in one line; what matters most comes first, since a narrow terminal shows the beginning only. */
export const progress = (tally, pit, forMs) => {
  const { perSecond, latencies } = tally.recent();
  const { ready, busy, starting, backoff } = pit.snapshot().pools.default.workers_by_state;
  const away = starting + backoff;
  const codes = byCount(tally.codes).map(([code, { count }]) => `${code} ${count}`);
  return [
    `${Math.floor(forMs / 1000)} s`.padStart(5),
    `${number(perSecond)} req/s`.padStart(9),
    `p50 ${time(latencies.quantile(0.5))}`.padEnd(10),
    `p95 ${time(latencies.quantile(0.95))}`.padEnd(11),
    `failed ${number(tally.failed)}`,
    `restarts ${tally.restarts}`,
    `workers ${ready} ready ${busy} busy${away > 0 ? ` ${away} starting` : ''}`,
    codes.join(', '),
  ].join('  ');
};

const table = (rows) => {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  const line = (row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])));
  return rows.map((row) => `  ${line(row).join('  ')}`).join('\n');
};

const commandRow = (name, { requests, failed, answered }) => [
  name,
  number(requests),
  number(failed),
  ...[0.5, 0.95, 0.99].map((share) => time(answered.quantile(share))),
];

const failureLine = ([code, { count, example }]) => {
  const line = example.replaceAll(/\s+/g, ' ');
  const short = line.length > 90 ? `${line.slice(0, 89)}…` : line;
  return `  ${code.padEnd(18)}${number(count).padStart(6)}  ${short}`;
};

/** What has happened, once it is over. */
export const summary = (tally, forMs) => {
  const commands = [...tally.commands].sort(([, a], [, b]) => b.requests - a.requests);
  const restarted =
    tally.restarts > 0 ? `, ready again after ${time(tally.restartMs / tally.restarts)} on average` : '';
  return `
${seconds(forMs)}, ${number(tally.requests)} requests, ${number((tally.requests / forMs) * 1000)} a second.
How long the answered ones took, a stream until its last chunk:

${table([
  ['command', 'requests', 'failed', 'p50', 'p95', 'p99'],
  ...commands.map(([name, row]) => commandRow(name, row)),
  commandRow('all', tally),
])}

failures by code, and the last message of each:

${byCount(tally.codes).map(failureLine).join('\n') || '  none'}

crashes: ${tally.crashes}, restarts: ${tally.restarts}${restarted}
`;
};
