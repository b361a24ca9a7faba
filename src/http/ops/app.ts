import { Hono, type MiddlewareHandler } from 'hono';
import type { Access } from '../access.ts';
import { ticketOf } from '../page/broadcast.ts';
import { incidentData } from '../page/incident.ts';
import type { Page } from '../page/page.ts';
import type {
  ConfigControl,
  ErrorsReader,
  HealthReader,
  LiveReader,
  MetricsReader,
  OpsControl,
  OutgoingSanitizer,
  ReportBug,
} from '../ports.ts';
import { isAnswer, nothingAt, problemOf, wrongMethod } from '../problem.ts';
import type { ReaderSession } from '../reader-sessions.ts';
import { sendJson, sendProblem } from '../respond.ts';
import { errorsOnly } from '../thrown.ts';
import { configChange, configRead } from './config.ts';
import { controlChanges } from './control.ts';
import { dashboardReads } from './dashboard.ts';
import { DashboardFiles } from './dashboard-files.ts';
import { allowedMethods, type Endpoints, type Read } from './endpoint.ts';
import { errorsReads } from './errors.ts';
import { eventsRead } from './events.ts';
import { Gate, type GateOptions } from './gate.ts';
import { healthReads } from './health.ts';
import { incidentRead } from './incident.ts';
import { loginEntrances, loginRead } from './login.ts';
import { metricsRead } from './metrics.ts';
import { pageReads } from './page.ts';
import { sendSessions } from './sessions.ts';
import { untilEnded } from './until-ended.ts';

/** What {@link createOpsApp} is made from. */
export interface OpsParts {
  /** Null: `/metrics` is not served. */
  readonly metrics: MetricsReader | null;
  /** Null: no probe and no `/health/*` is served. */
  readonly health: HealthReader | null;
  /** Null, the default: neither `/api/errors` nor `/api/requests/slow` is served. */
  readonly errors?: ErrorsReader | null | undefined;
  /** Null, the default: `/api/events` is not served. */
  readonly live?: LiveReader | null | undefined;
  /** Null, the default: `/api/state` is not served, and nothing can be changed. */
  readonly control?: OpsControl | null | undefined;
  /** Null, the default: `/api/config` is not served. */
  readonly config?: ConfigControl | null | undefined;
  /** Null, the default: nothing of the live page is served. */
  readonly page?: Page | null | undefined;
  /** Answer of `/health/python`. Default: the health reader's. */
  readonly python?: (() => unknown) | undefined;
  /** For what comes from Python. Default: it is shown as it is. */
  readonly sanitizer?: OutgoingSanitizer | undefined;
  readonly options: GateOptions;
  /** From `listenerAccess` for a server of ours, from `mountedAccess` for a handler in somebody else's. */
  readonly access: Access;
  readonly reportBug?: ReportBug | undefined;
}

const pythonReads = ({ health, python }: OpsParts): readonly Read[] => {
  const read = python ?? (health === null ? undefined : () => health.python());
  if (read === undefined) return [];
  return [{ path: '/health/python', link: 'python', answer: (c) => sendJson(c, 200, read()) }];
};

const asItIs: OutgoingSanitizer = { text: (text) => text, document: (value) => value };

const isStream = ({ headers }: Response) =>
  headers.get('content-type')?.startsWith('text/event-stream') === true;

/** What streams to a browser that has logged in ends with the login. */
const boundTo = (session: ReaderSession | undefined, response: Response): Response => {
  if (session === undefined || response.body === null || !isStream(response)) return response;
  const ticket = ticketOf(response.body);
  if (ticket !== undefined) {
    // It stays as it is, for whoever serves it in our place.
    session.ended.addEventListener('abort', ticket.leave, { once: true });
    if (session.ended.aborted) ticket.leave();
    return response;
  }
  const { status, headers } = response;
  return new Response(untilEnded(response.body, session.ended), { status, headers });
};

/** Looks for fake secrets in an answer; what streams has no end to wait for. */
const inspectAnswers =
  (canary: NonNullable<OutgoingSanitizer['canary']>, page: string): MiddlewareHandler =>
  async (c, next) => {
    await next();
    // The page's own files hold nothing of this instance, and are compressed besides.
    if (isStream(c.res) || c.req.path.startsWith(page)) return;
    canary.inspect('ops', await c.res.clone().text());
  };

/** The files of the page are the same for every instance of a process. */
const built = new DashboardFiles();

/** What a browser loads before it asks for anything. */
const shellReads = (page: Page, access: Access): readonly Read[] => [
  ...dashboardReads(built),
  loginRead(access),
  incidentRead(built, () => incidentData(page)),
];

const endpointsOf = (parts: OpsParts, sanitizer: OutgoingSanitizer): Endpoints => {
  const {
    metrics,
    health,
    errors = null,
    live = null,
    control = null,
    config = null,
    page = null,
    access,
    reportBug,
  } = parts;
  return {
    reads: [
      ...(health === null ? [] : healthReads(health)),
      ...pythonReads(parts),
      ...(metrics === null ? [] : [metricsRead(metrics)]),
      ...(errors === null ? [] : errorsReads(errors, control)),
      ...(live === null ? [] : [eventsRead(live)]),
      ...(control === null
        ? []
        : [
            {
              path: '/health/sessions',
              link: 'sessions',
              answer: (c) => sendSessions(c, control.snapshot()),
            } as Read,
            {
              path: '/api/state',
              link: 'state',
              answer: (c) => sendJson(c, 200, control.snapshot()),
            } as Read,
          ]),
      ...(config === null ? [] : [configRead(config)]),
      ...(page === null ? [] : [...pageReads(page), ...shellReads(page, access)]),
    ],
    entrances: page === null ? [] : loginEntrances(access),
    changes: [
      ...(control === null ? [] : controlChanges(control, sanitizer, reportBug)),
      ...(config === null ? [] : [configChange(config)]),
    ],
  };
};

/**
 * The ops endpoints as an app.
 *
 * Probes answer everybody; everything else that is read answers local callers, callers with the token, browsers that have logged in,
 * and whom `ops.open` lets in. Changes need the token, always.
 */
export const createOpsApp = (parts: OpsParts): Hono => {
  const { options, access, reportBug, sanitizer = asItIs } = parts;
  const endpoints = endpointsOf(parts, sanitizer);
  const gate = new Gate(access, options, endpoints);
  const app = new Hono().use(errorsOnly);
  if (sanitizer.canary !== undefined)
    app.use(inspectAnswers(sanitizer.canary, `${options.prefix}/dashboard`));
  const at = (path: string) => options.prefix + path.replaceAll(/\{(\w+)\}/g, ':$1');
  // Hono answers HEAD from the GET handler, without the body.
  for (const read of endpoints.reads) {
    app.get(at(read.path), async (c) => {
      const view = gate.admitRead(c.req.raw, read);
      return boundTo(view.session, await read.answer(c, view));
    });
  }
  for (const { path, answer } of endpoints.entrances) {
    app.post(at(path), (c) => {
      gate.admitEntrance(c.req.raw);
      return answer(c);
    });
  }
  for (const change of endpoints.changes) {
    app.on(change.method, at(change.path), (c) => {
      gate.admitChange(c.req.raw);
      return change.answer(c);
    });
  }
  for (const [path, allow] of allowedMethods(endpoints)) {
    app.all(at(path), (c) => {
      gate.admitOther(c.req.raw, path);
      throw wrongMethod(c.req.path, c.req.method, allow);
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
