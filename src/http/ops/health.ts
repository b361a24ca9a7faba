import type { Context } from 'hono';
import type { HealthReader, HealthReport } from '../ports.ts';
import { preferredType, send, sendJson } from '../respond.ts';
import type { Read, View } from './endpoint.ts';
import { HEALTH_JSON, sendHealth } from './health-body.ts';
import { probeText, without } from './probe-text.ts';

const excludedOf = (c: Context): readonly string[] => c.req.queries('exclude') ?? [];

/** What a report's answer needs beside the report. */
interface Answering {
  readonly view: View;
  /** Whether the answer points to the other endpoints. */
  readonly linked: boolean;
}

const sendReport = (c: Context, report: HealthReport, { view, linked }: Answering): Response => {
  const { status, ...rest } = without(report, excludedOf(c));
  return sendHealth(c, { status, ...(view.details && rest), ...(linked && { links: view.links() }) });
};

/** `/livez` and `/readyz` speak plain text unless asked for JSON. */
const sendProbe = (c: Context, probe: string, report: HealthReport, answering: Answering): Response => {
  if (preferredType(c, ['text/plain', 'application/json', HEALTH_JSON]) !== 'text/plain') {
    return sendReport(c, report, answering);
  }
  const excluded = excludedOf(c);
  const verbose = c.req.query('verbose') !== undefined;
  const status = without(report, excluded).status === 'error' ? 503 : 200;
  const text = probeText(report, { probe, verbose, excluded, details: answering.view.details });
  return send(c, status, 'text/plain; charset=utf-8', text, { vary: 'accept' });
};

const telemetryReads = (health: HealthReader): readonly Read[] =>
  health.telemetry === undefined
    ? []
    : [
        {
          path: '/health/telemetry',
          link: 'telemetry',
          answer: (c) => sendJson(c, 200, health.telemetry?.()),
        },
      ];

/** The endpoints of the health consumer. */
export const healthReads = (health: HealthReader): readonly Read[] => [
  {
    path: '/health',
    probe: true,
    link: 'health',
    answer: (c, view) => sendReport(c, health.checkHealth(), { view, linked: true }),
  },
  {
    path: '/health/live',
    probe: true,
    link: 'live',
    answer: (c, view) => sendReport(c, health.checkHealth(), { view, linked: true }),
  },
  {
    path: '/livez',
    probe: true,
    answer: (c, view) => sendProbe(c, 'livez', health.checkHealth(), { view, linked: true }),
  },
  {
    path: '/health/ready',
    probe: true,
    link: 'ready',
    answer: (c, view) => sendReport(c, health.checkReadiness(), { view, linked: false }),
  },
  {
    path: '/readyz',
    probe: true,
    answer: (c, view) => sendProbe(c, 'readyz', health.checkReadiness(), { view, linked: false }),
  },
  {
    path: '/health/startup',
    probe: true,
    link: 'startup',
    answer: (c, { details }) => {
      const report = health.startup();
      return sendHealth(c, { status: report.started ? 'ok' : 'error', ...(details && report) });
    },
  },
  {
    path: '/health/detailed',
    link: 'detailed',
    answer: (c) => sendHealth(c, { ...health.getDetailedHealth() }),
  },
  {
    path: '/health/workers',
    link: 'workers',
    answer: (c) => sendJson(c, 200, { workers: health.workers() }),
  },
  ...telemetryReads(health),
];
