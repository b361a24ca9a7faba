import type { HealthCheck, HealthReport } from '../ports.ts';

const line = ({ name, status, message }: HealthCheck): string => {
  if (status === 'error') return `[-]${name} failed: ${message}`;
  return status === 'warning' ? `[+]${name} ok (warning: ${message})` : `[+]${name} ok`;
};

const worst = (checks: readonly HealthCheck[]): HealthReport['status'] =>
  checks.some(({ status }) => status === 'error')
    ? 'error'
    : checks.some(({ status }) => status === 'warning')
      ? 'warning'
      : 'ok';

const rank = { ok: 0, warning: 1, error: 2 };

/** Leaves checks out of a report. That can only better its status: a report may be ok with a failed check that does not count. */
export const without = (report: HealthReport, excluded: readonly string[]): HealthReport => {
  const checks = report.checks.filter(({ name }) => !excluded.includes(name));
  if (checks.length === report.checks.length) return report;
  const rest = worst(checks);
  return { ...report, checks, status: rank[rest] < rank[report.status] ? rest : report.status };
};

interface ProbeTextOptions {
  /** `livez` or `readyz`. */
  readonly probe: string;
  readonly verbose: boolean;
  readonly excluded: readonly string[];
  readonly details: boolean;
}

/**
 * A probe's answer as the Kubernetes API server writes its own (kubernetes.io/docs/reference/using-api/health-checks): `ok`, or with
 * `?verbose` and on failure one line a check.
 */
export const probeText = (
  full: HealthReport,
  { probe, verbose, excluded, details }: ProbeTextOptions,
): string => {
  const report = without(full, excluded);
  const failed = report.status === 'error';
  if (!failed && !verbose) return 'ok';
  const verdict = `${probe} check ${failed ? 'failed' : 'passed'}\n`;
  if (!details) return verdict;
  const lines = full.checks.map((check) =>
    excluded.includes(check.name) ? `[+]${check.name} excluded: ok` : line(check),
  );
  const unknown = excluded.filter((name) => full.checks.every((check) => check.name !== name));
  if (unknown.length > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    );
  }
  return `${lines.join('\n')}\n${verdict}`;
};
