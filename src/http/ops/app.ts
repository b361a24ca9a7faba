import { type Context, Hono } from 'hono';
import type { Access } from '../access.ts';
import type { HealthReader, MetricsReader, ReportBug } from '../ports.ts';
import { isAnswer, nothingAt, problemOf, wrongMethod } from '../problem.ts';
import { sendJson, sendProblem } from '../respond.ts';
import { errorsOnly } from '../thrown.ts';
import type { Endpoint } from './endpoint.ts';
import { Gate, type GateOptions } from './gate.ts';
import { healthEndpoints } from './health.ts';
import { metricsEndpoint } from './metrics.ts';

/** What {@link createOpsApp} is made from. */
export interface OpsParts {
  /** Null: `/metrics` is not served. */
  readonly metrics: MetricsReader | null;
  /** Null: no probe and no `/health/*` is served. */
  readonly health: HealthReader | null;
  /** Answer of `/health/python`. Default: the health reader's. */
  readonly python?: (() => unknown) | undefined;
  readonly options: GateOptions;
  /** From `listenerAccess` for a server of ours, from `mountedAccess` for a handler in somebody else's. */
  readonly access: Access;
  readonly reportBug?: ReportBug | undefined;
}

const endpointsOf = ({ metrics, health, python }: OpsParts): readonly Endpoint[] => {
  const readPython = python ?? (health === null ? undefined : () => health.python());
  return [
    ...(health === null ? [] : healthEndpoints(health)),
    ...(readPython === undefined
      ? []
      : [{ path: '/health/python', link: 'python', answer: (c: Context) => sendJson(c, 200, readPython()) }]),
    ...(metrics === null ? [] : [metricsEndpoint(metrics)]),
  ];
};

/**
 * The ops endpoints as an app: metrics and health, read-only.
 *
 * Probes answer everybody; everything else answers local callers, callers with the token, and whom `ops.open` lets in.
 */
export const createOpsApp = (parts: OpsParts): Hono => {
  const { options, access, reportBug } = parts;
  const endpoints = endpointsOf(parts);
  const gate = new Gate(access, options, endpoints);
  const app = new Hono().use(errorsOnly);
  for (const endpoint of endpoints) {
    const path = options.prefix + endpoint.path;
    // Hono answers HEAD from the GET handler, without the body.
    app.get(path, (c) => endpoint.answer(c, gate.admit(c.req.raw, endpoint)));
    app.all(path, (c) => {
      gate.admit(c.req.raw, endpoint);
      throw wrongMethod(path, c.req.method, 'GET, HEAD');
    });
  }
  app.notFound((c) => {
    throw nothingAt(c.req.path, gate.readable(c.req.raw));
  });
  app.onError((error, c) => {
    if (!isAnswer(error)) reportBug?.(error, { method: c.req.method, path: c.req.path });
    return sendProblem(c, problemOf(error));
  });
  return app;
};
